"""What models can do: the facts from `[capabilities]`, then those shipped with the kernel.

A fact that nobody has stated is None, which means unknown, never "no".
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import msgspec
from attrs import frozen
from attrs.validators import ge, optional

from jackfield._config.options import option
from jackfield.globs import matches

Modality = Literal["text", "image", "audio", "video", "document", "embedding"]
_Reasoning = Literal["none", "effort", "budget", "always"]

_DATA: Final = Path(__file__).with_name("data") / "models.json"
_MOST_KEPT = 4096


@frozen(cache_hash=True)
class Capabilities:
    """What is known about a model.

    `reasoning` says how thinking is requested: an "always" model thinks without being asked, and
    cannot be told how much.
    """

    context_tokens: int | None = option(
        None, "Tokens of the conversation and the answer together.", validator=optional(ge(1))
    )
    max_output_tokens: int | None = option(
        None, "The longest answer, in tokens.", validator=optional(ge(1))
    )
    input: tuple[Modality, ...] | None = option(None, "What a request may contain.")
    output: tuple[Modality, ...] | None = option(None, "What an answer may contain.")
    tools: bool | None = option(None, "Whether it supports tools.")
    parallel_tools: bool | None = option(None, "Whether it can call several tools at once.")
    json_schema: bool | None = option(None, "Whether its answers can follow a JSON schema.")
    reasoning: _Reasoning | None = option(None, "How reasoning is requested.")
    retires: date | None = option(None, "The day on which its vendor retires it.")

    def takes(self, modality: Modality) -> bool | None:
        """Whether a request may contain this; None if unknown."""
        return None if self.input is None else modality in self.input

    def gives(self, modality: Modality) -> bool | None:
        """Whether an answer may contain this; None if unknown."""
        return None if self.output is None else modality in self.output

    def known(self) -> dict[str, object]:
        """The facts that are known, by name."""
        return attrs.asdict(self, filter=lambda _, value: value is not None)


_UNKNOWN = Capabilities()

_Fact = tuple[Sequence[str], Capabilities]
"""Patterns of model names, and what is true of all models that match one of them."""


class ModelFacts:
    """Looks up what is known about models.

    `own` is what the configuration says, by pattern. A pattern is a model's name, in any case, with
    `*` for any text; with a provider in front, as in "groq/llama-*", it applies only there. For
    each fact, the first match that states it counts.
    """

    def __init__(self, own: Mapping[str, Capabilities] | None = None) -> None:
        self.own = own or {}
        self._kept = lru_cache(_MOST_KEPT)(self._find)

    def of(self, model: str, *providers: str) -> Capabilities:
        """What is known about a model at a provider, which may go by several names or none."""
        return self._kept(model.lower(), *providers)

    def _find(self, model: str, *providers: str) -> Capabilities:
        names = [*(f"{provider.lower()}/{model}" for provider in providers), model]
        facts: dict[str, Any] = {}
        for capabilities in self._matching(names):
            stated = attrs.asdict(capabilities, recurse=False).items()
            facts = {name: value for name, value in stated if value is not None} | facts
        return attrs.evolve(_UNKNOWN, **facts) if facts else _UNKNOWN

    def _matching(self, names: Sequence[str]) -> Iterator[Capabilities]:
        for pattern, capabilities in self.own.items():
            if any(matches(pattern.lower(), name) for name in names):
                yield capabilities
        for patterns, capabilities in shipped():
            if any(matches(pattern, name) for pattern in patterns for name in names):
                yield capabilities


@cache
def shipped() -> tuple[_Fact, ...]:
    """The facts shipped with the kernel, in order. Read when they are first needed."""
    return tuple(
        (entry.pop("match"), msgspec.convert(entry, Capabilities))
        for entry in msgspec.json.decode(_DATA.read_bytes())["models"]
    )
