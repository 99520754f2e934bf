"""Stop reasons of Messages and the canonical ones."""

from collections.abc import Mapping
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.messages import FinishReason

_REASONS: Final[Mapping[str, FinishReason]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "compaction": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_UNFINISHED: Final = ("pause_turn", "compaction")
_WORDS: Final[Mapping[str, str]] = {
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def read_stop_reason(word: Any, *, calls: bool) -> FinishReason | None:
    """The canonical reason; "tool_calls" if there were calls, whatever reason is stated."""
    if not isinstance(word, str):
        return None
    reason = _REASONS.get(word, "other")
    return "tool_calls" if reason == "stop" and calls else reason


def reason_note(word: Any) -> dict[str, Any]:
    """A note that names a reason which other dialects have no word for: the turn is not over."""
    return {"$beside": {"stop_reason": word}} if word in _UNFINISHED else {}


def write_stop_reason(
    reason: FinishReason | None, word: str | None, *, refused: bool, is_own: bool
) -> str:
    """The name of a reason: the original one if it still means the same.

    Of another dialect's names, only those known in Messages are used.
    """
    same = reason in (read_stop_reason(word, calls=False), read_stop_reason(word, calls=True))
    if word and same and (is_own or word in _REASONS):
        return word
    if refused and reason in (None, "stop"):
        return "refusal"
    return _WORDS.get(reason or "", "end_turn")


def lost_reason(reason: FinishReason | None) -> list[Loss]:
    """The loss of another vendor's stop reason that Messages cannot express."""
    if reason not in ("error", "other"):
        return []
    return [Loss(f"finish_reason.{reason}", "choices[0]", "approximated", "as 'end_turn'")]
