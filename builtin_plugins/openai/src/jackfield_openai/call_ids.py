"""Ids of tool calls from other vendors: OpenAI refuses long ones."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

_LONGEST_IN_CHAT: Final = 40
_LONGEST_IN_RESPONSES: Final = 64


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
        digest = sha256(identity.encode("utf-8", "surrogatepass")).hexdigest()
        wire[key] = f"call_{digest}"[:longest]
