"""Ids of tool calls from other vendors: OpenAI refuses long ones."""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

from jackfield import json_spans

_LONGEST_IN_CHAT: Final = 40
_LONGEST_IN_RESPONSES: Final = 64
_PLACES: Final = ("messages/*/tool_call_id", "messages/*/tool_calls/*/id")
_LONG: Final = re.compile(rb'"id"[ \t\r\n]*+:[ \t\r\n]*+"[^"]{%d}' % (_LONGEST_IN_CHAT + 1))


def with_short_ids(body: bytes) -> bytes:
    """A client's own chat in which a call of xAI, Writer or another vendor has an id for OpenAI.

    The answer has ids of its own, so nothing is to be mapped back. All other bytes stay.
    """
    if b'"tool_call_id"' not in body or _LONG.search(body) is None:
        return body
    spans = json_spans.texts(body, _PLACES)
    long = [span for span in spans if len(span.value) > _LONGEST_IN_CHAT]
    return json_spans.replace(
        body, {span.path: _short(span.value, _LONGEST_IN_CHAT) for span in long}
    )


def _short(identity: str, longest: int) -> str:
    digest = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
    return f"call_{digest}"[:longest]


def shorten_in_chat(messages: Sequence[dict[str, Any]]) -> None:
    """Shorten the ids in the messages of a chat, alike in a call and its result."""
    for message in messages:
        _shorten(message, "tool_call_id", _LONGEST_IN_CHAT)
        for call in message.get("tool_calls", ()):
            _shorten(call, "id", _LONGEST_IN_CHAT)


def shorten_in_responses(items: Sequence[dict[str, Any]]) -> None:
    """Shorten the ids in the items of an input."""
    for item in items:
        _shorten(item, "call_id", _LONGEST_IN_RESPONSES)


def _shorten(wire: dict[str, Any], key: str, longest: int) -> None:
    identity = wire.get(key)
    if isinstance(identity, str) and len(identity) > longest:
        wire[key] = _short(identity, longest)
