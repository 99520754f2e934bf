"""The same test, recorded at several vendors: a request in another vendor's dialect must mean
the same as the request to that vendor.

The recordings of ruby_llm are named after the test, the vendor and the model. The first request of
a test is the same at all of them but for what the vendors' dialects want.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace
from tests.corpus import ROOT

from jackfield.dialects import Dialect
from jackfield.errors import GatewayError
from jackfield.messages import ChatRequest

from .answers import Miss
from .facts import facts
from .traffic import Recorded

_NAME = re.compile(
    r"(?P<test>.*?)_(anthropic|azure|bedrock|cohere|deepseek|gemini|gpustack|mistral|ollama|openai"
    r"|openrouter|perplexity|vertexai|xai)_(?P<rest>.*)\.yml"
)


_COMPARED = ("turns", "tools", "tool_choice", "response_format", "stop", "temperature")
"""What a test asks of every vendor; the rest is what one vendor wants or has by default."""


def compare(found: Iterable[Recorded]) -> Iterator[tuple[Recorded, Recorded, list[Miss]]]:
    """Each two recordings of a test, and what the first asks otherwise in the second's dialect."""
    for group in _groups(found):
        for one in group:
            for other in group:
                if one.name != other.name:
                    yield one, other, _pair(one, other)


def _pair(one: Recorded, other: Recorded) -> list[Miss]:
    both = f"{one.id}>{other.id}"
    try:
        request = _read(one.dialect, one.exchange.request_tree, one.params)
        rendered = other.dialect.render_request(replace(request, model=other.params["model"]))
        translated = _read(other.dialect, msgspec.json.decode(rendered.body), other.params)
        wanted = _read(other.dialect, other.exchange.request_tree, other.params)
    except GatewayError as error:
        return [Miss(both, "refused", error.message[:200])]
    losses = tuple(loss.feature for loss in rendered.losses)
    was, now = facts(wanted), facts(translated)
    return [
        Miss(both, f"sister.{key}", f"wanted {was[key]!r:.90}, found {now[key]!r:.90}")
        for key in was
        if key in _COMPARED and was[key] != now[key] and key not in _named(losses)
    ]


def _named(losses: tuple[str, ...]) -> set[str]:
    """The keys of which a loss is named."""
    return {loss.partition(".")[0] for loss in losses}


def _read(dialect: Dialect, tree: Any, params: dict[str, str]) -> ChatRequest:
    request = dialect.parse_request(tree, params)
    if not isinstance(request, ChatRequest):
        raise TypeError("the exchange is no chat")
    return request


def _groups(found: Iterable[Recorded]) -> Iterator[list[Recorded]]:
    tests: dict[str, list[tuple[str, Recorded]]] = defaultdict(list)
    for one in found:
        name = _NAME.fullmatch(_first_requests().get(one.id, ""))
        if name is not None:
            tests[name["test"]].append((name["rest"], one))
    for recordings in tests.values():
        yield from _by_description(recordings)


def _by_description(recordings: list[tuple[str, Recorded]]) -> Iterator[list[Recorded]]:
    """Behind the model's name, which may hold anything, stands what the test is about."""
    ends: dict[str, dict[str, Recorded]] = defaultdict(dict)
    for rest, one in recordings:
        for at in [index for index, letter in enumerate(rest) if letter == "_"]:
            ends[rest[at:]][one.id] = one
    seen: set[str] = set()
    for _, group in sorted(ends.items(), key=lambda end: -len(end[0])):
        fresh = [one for one in group.values() if one.id not in seen]
        if len({one.name for one in fresh}) > 1:
            seen |= {one.id for one in fresh}
            yield fresh


@cache
def _first_requests() -> dict[str, str]:
    """The names of ruby_llm's recordings, by the ids of their first exchanges."""
    names = {}
    for path in (ROOT / "exchanges").glob("*/*/*.json"):
        record = json.loads(path.read_bytes())
        source = record.get("source") or {}
        if str(source.get("repo")).endswith("/ruby_llm") and source.get("index") == 0:
            names[record["id"]] = Path(source["path"]).name
    return names
