"""Why an answer ended, and how likely its tokens were, in Ollama's words and in canonical ones."""

from collections.abc import Mapping
from typing import Any

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
    """The canonical reason for a `done_reason`, which an older Ollama leaves out."""
    reason = _REASONS.get(word, "other") if isinstance(word, str) else "stop"
    return "tool_calls" if called and reason == "stop" else reason


def write_finish(reason: FinishReason | None, kept: Mapping[str, Any]) -> dict[str, str]:
    """The `done_reason`: as it came while it means the same, and none where none came."""
    if "$done_reason" in kept:
        word = kept["$done_reason"]
        if reason in (read_finish(word, called=False), read_finish(word, called=True)):
            return {"done_reason": word} if isinstance(word, str) else {}
    return {"done_reason": _WORDS.get(reason, "stop")}


def read_logprobs(tokens: Any) -> dict[str, Any] | None:
    """Ollama's list in the form of OpenAI, which is the canonical one."""
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
    """The list, out of the form of OpenAI; None when nothing of it is known."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    return [_write_token(token) for token in content if isinstance(token, dict)]


def _write_token(token: dict[str, Any]) -> dict[str, Any]:
    known = {key: value for key, value in token.items() if value not in (None, [])}
    if "top_logprobs" in known:
        known["top_logprobs"] = [_write_token(one) for one in known["top_logprobs"]]
    return known
