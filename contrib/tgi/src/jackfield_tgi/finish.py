"""Finish reasons: TGI's names and the canonical ones."""

from collections.abc import Mapping

from jackfield.messages import FinishReason, Usage

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


def usage_of(generated: int, prompt: int | None) -> Usage:
    """The usage of an answer; the body of a complete one does not count its prompt."""
    return Usage(prompt or 0, generated)


def usage_told(headers: Mapping[str, str]) -> Usage | None:
    """The usage in the headers of a complete answer; older servers have none."""
    prompt, generated = headers.get("x-prompt-tokens", ""), headers.get("x-generated-tokens", "")
    if not _is_count(prompt) or not _is_count(generated):
        return None
    return Usage(int(prompt), int(generated))


def _is_count(told: str) -> bool:
    return told.isascii() and told.isdigit() and len(told) < 16
