"""Finish reasons: TGI's names and the canonical ones."""

from jackfield.messages import FinishReason

_REASONS: dict[str, FinishReason] = {
    "length": "length",
    "eos_token": "stop",
    "stop_sequence": "stop",
}


def reason_of(word: str) -> FinishReason:
    """The canonical reason; names of other servers become "other"."""
    return _REASONS.get(word, "other")


def word_for(reason: FinishReason | None, detail: str | None) -> str:
    """TGI's name; `detail` is the vendor's own, which distinguishes two kinds of stop."""
    if reason == "length":
        return "length"
    return "stop_sequence" if detail == "stop_sequence" else "eos_token"
