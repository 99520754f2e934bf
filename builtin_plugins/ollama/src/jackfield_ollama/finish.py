"""Finish reasons and log probabilities, in Ollama's and in canonical form."""

from collections.abc import Mapping
from typing import Any

from jackfield.dialects import Loss
from jackfield.messages import FinishReason

_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "load": "other",
    "unload": "other",
    "content_filter": "content_filter",
    "error": "error",
}
_WORDS: Mapping[FinishReason | None, str] = {
    "length": "length",
    "content_filter": "content_filter",
    "error": "error",
}


def read_finish(word: Any, *, called: bool) -> FinishReason:
    """The canonical reason for a `done_reason`, which older versions of Ollama omit."""
    reason = _REASONS.get(word, "other") if isinstance(word, str) else "stop"
    return "tool_calls" if called and reason == "stop" else reason


def write_finish(reason: FinishReason | None, kept: Mapping[str, Any]) -> dict[str, str]:
    """The `done_reason`: the original one if it still means the same, also if it was absent."""
    if "$done_reason" in kept:
        word = kept["$done_reason"]
        if reason in (read_finish(word, called=False), read_finish(word, called=True)):
            return {"done_reason": word} if isinstance(word, str) else {}
    return {"done_reason": _WORDS.get(reason, "stop")}


def lost_reason(reason: FinishReason | None, written: Mapping[str, str]) -> list[Loss]:
    """The loss of another vendor's reason to stop, for which Ollama has no name."""
    if reason != "other" or written.get("done_reason") != "stop":
        return []
    return [Loss("finish_reason.other", "choices[0]", "approximated", "as 'stop'")]


def read_logprobs(tokens: Any) -> dict[str, Any] | None:
    """Ollama's list in OpenAI's form, which is the canonical one."""
    if not isinstance(tokens, list) or not tokens:
        return None
    content = [_read_token(token) for token in tokens if isinstance(token, dict)]
    return {"content": content, "refusal": None}


def _read_token(token: dict[str, Any]) -> dict[str, Any]:
    found = {"bytes": None, **token}
    top = token.get("top_logprobs")
    others = top if isinstance(top, list) else []
    found["top_logprobs"] = [{"bytes": None, **one} for one in others if isinstance(one, dict)]
    return found


def write_logprobs(logprobs: Any) -> list[dict[str, Any]] | None:
    """The list in Ollama's form; None if there is none."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    return [_write_token(token) for token in content if isinstance(token, dict)]


def _write_token(token: dict[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in token.items() if value not in (None, [])}
    if "top_logprobs" in known:
        known["top_logprobs"] = [_write_token(one) for one in known["top_logprobs"]]
    return known
