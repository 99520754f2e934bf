"""Every recorded request: rendered again in its own dialect, and in each of the others."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Dialect, Rendered
from jackfield.errors import GatewayError
from jackfield.messages import ChatRequest

from .answers import Miss
from .facts import facts
from .schemas import wrong_with
from .traffic import DIALECTS, OF_PROVIDER, Recorded, known_dialects

_MOST_SHOWN = 3
_NOTHING = [("type", "function"), ("type", "message"), ("stream", False)]
_MADE_UP = ("id", "tool_call_id")
"""Members that mean the same present or absent: each with its default. Ids are made up
for tool calls that have none, for the sake of pairing calls and results."""

COMPARED = frozenset({*DIALECTS.values(), *OF_PROVIDER.values()})


def same(recorded: Recorded) -> list[Miss]:
    """What parsing a request and rendering it again in its own dialect changes of its JSON."""
    tree = recorded.exchange.request_tree
    try:
        request = recorded.dialect.parse_request(tree, recorded.params)
        rendered = recorded.dialect.render_request(request)
    except GatewayError as error:
        if recorded.exchange.status == error.http_status:  # its own vendor has refused it too
            return []
        return [Miss(recorded.id, "refused", error.message[:200])]
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is a miss like any other
        return [Miss(recorded.id, "crash", f"{type(error).__name__}: {error}"[:200])]
    found = list(differences(_plain(tree), _plain(msgspec.json.decode(rendered.body))))
    return [Miss(recorded.id, "same", "; ".join(found[:_MOST_SHOWN]))] if found else []


def others(recorded: Recorded) -> dict[str, list[Miss]]:
    """By each other dialect, what its SDK finds wrong, and what is lost without being named."""
    tree = recorded.exchange.request_tree
    try:
        request = recorded.dialect.parse_request(tree, recorded.params)
    except GatewayError:
        return {}
    return {
        name: list(_in_other(recorded, request, name, target))
        for name, target in known_dialects().items()
        if name in COMPARED and name != recorded.name and isinstance(request, ChatRequest)
    }


def _in_other(
    recorded: Recorded, request: ChatRequest, name: str, target: Dialect
) -> Iterator[Miss]:
    plain = replace(request, stream=False, include_usage=False)
    try:
        rendered = target.render_request(plain)
    except GatewayError as error:
        yield Miss(recorded.id, "refused", error.message[:200])
        return
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is a miss like any other
        yield Miss(recorded.id, "crash", f"{type(error).__name__}: {error}"[:200])
        return
    losses = tuple(loss.feature for loss in rendered.losses)
    yield from _unnamed(recorded, request, target, rendered)
    for mistake in wrong_with(name, msgspec.json.decode(rendered.body))[:_MOST_SHOWN]:
        yield Miss(recorded.id, "schema", mistake, losses)


def _unnamed(
    recorded: Recorded, request: ChatRequest, target: Dialect, rendered: Rendered
) -> Iterator[Miss]:
    """What the request no longer has although no loss is named."""
    if rendered.losses:
        return
    back = target.parse_request(msgspec.json.decode(rendered.body), recorded.params)
    if not isinstance(back, ChatRequest):
        return
    was, now = facts(request), facts(back)
    for key in was:
        if was[key] != now[key]:
            detail = f"{was[key]!r:.100} became {now[key]!r:.100}"
            yield Miss(recorded.id, f"unnamed.{key}", detail)


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, null being the same as absent and 1 the same as 1.0."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before | after:
            one, other = before.get(key), after.get(key)
            if not _means_nothing(key, one, other):
                yield from differences(one, other, f"{path}.{key}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for at, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{at}]")
    elif before != after:
        yield f"{path.lstrip('.')}: {before!r:.80} became {after!r:.80}"


def _means_nothing(key: str, one: Any, other: Any) -> bool:
    if one is not None and other is not None:
        return False
    return (key, other if one is None else one) in _NOTHING or (one is None and key in _MADE_UP)


def _plain(value: Any) -> Any:
    """The value with what can be spelt in two ways spelt in one of them."""
    if isinstance(value, list):
        items = [_plain(item) for item in value]
        alone = items[0] if len(items) == 1 else None
        if isinstance(alone, dict) and alone.keys() == {"type", "text"}:
            return alone["text"]
        return items
    if not isinstance(value, dict):
        return value
    found = {_SPELT_TWICE.get(key, key): _plain(item) for key, item in value.items()}
    for key in ("annotations", "logprobs"):
        if found.get(key) == []:
            del found[key]
    if isinstance(found.get("input"), str):
        found["input"] = [{"role": "user", "content": found["input"]}]
    return found


_SPELT_TWICE = {
    "inline_data": "inlineData",
    "mime_type": "mimeType",
    "file_data": "fileData",
    "file_uri": "fileUri",
    "function_call": "functionCall",
    "function_response": "functionResponse",
    "thought_signature": "thoughtSignature",
    "system_instruction": "systemInstruction",
    "generate_summary": "summary",
}
"""Members that their vendor takes in either spelling."""
