"""Finish reasons: Google's names and numbers, and the canonical ones."""

from collections.abc import Mapping
from typing import Any, Final

from jackfield.messages import FinishReason

_REASONS: Final[Mapping[str, FinishReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "NO_IMAGE": "error",
    "IMAGE_OTHER": "error",
    "OTHER": "other",
}
_NUMBERS: Final = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
)
"""The names in Vertex AI's enumeration, which it sends as numbers on request."""

_WORDS: Final[Mapping[FinishReason, str]] = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
    "error": "OTHER",
    "other": "OTHER",
}


def read_finish(word: Any, has_calls: bool) -> FinishReason | None:
    """The canonical reason: "tool_calls" if there were calls, unless cut off or filtered."""
    if isinstance(word, int) and 0 <= word < len(_NUMBERS):
        word = _NUMBERS[word]
    if word is None:
        return None
    reason = _REASONS.get(word, "other") if isinstance(word, str) else "other"
    return "tool_calls" if has_calls and reason not in ("length", "content_filter") else reason


def finish_detail(word: Any) -> str | None:
    """The name as the canonical form keeps it."""
    return None if word is None else str(word)


def write_finish(reason: FinishReason | None, word: Any, *, is_native: bool) -> Any:
    """Google's name: the original `word` if it still means the same.

    Of another dialect's names, only those known to be Google's are used.
    """
    same = word is not None and reason in (read_finish(word, False), read_finish(word, True))
    if same and (is_native or (isinstance(word, str) and word in _REASONS)):
        return word
    return _WORDS["stop" if reason is None else reason]
