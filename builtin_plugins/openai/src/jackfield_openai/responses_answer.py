"""The envelope of a Responses answer: everything but the output, mostly from the request."""

import time
from hashlib import sha256
from secrets import token_hex
from typing import Any

from jackfield.messages import ChatRequest, FinishReason, Usage

from .foreign_settings import TIERS
from .responses_content import JSON, NAME, own
from .responses_request_renderer import instructions_of, settings
from .responses_usage import write_usage

_PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "image_generation_call": "ig",
}
INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""The finish reasons of incomplete answers, with their names in this dialect."""
_UNFINISHED = frozenset({"queued", "in_progress", "cancelled"})
_LONGEST_SEED = 40
"""Characters of a response's id in the ids of its items, which OpenAI limits to 64."""


def finish_of(
    status: str | None, details: Any, *, calls: bool
) -> tuple[FinishReason | None, str | None]:
    """The canonical reason and the vendor's own value."""
    if status == "incomplete":
        reason = details.get("reason") if isinstance(details, dict) else None
        word = reason if isinstance(reason, str) else None
        reasons: dict[str | None, FinishReason] = {
            "max_output_tokens": "length",
            "content_filter": "content_filter",
        }
        return reasons.get(word, "other"), word or status
    if status == "failed":
        return "error", status
    if status in _UNFINISHED:
        return None, status
    return ("tool_calls" if calls else "stop"), status


class Answer:
    """The members of a response other than its output; created once per exchange."""

    def __init__(
        self,
        request: ChatRequest,
        response_id: str,
        model: str,
        created: int | None,
        kept: JSON | None,
    ) -> None:
        self.created = int(time.time()) if created is None else created
        self.is_own = kept is not None
        bare = response_id or token_hex(16)
        # An answer that came in this dialect keeps its id, whatever its form.
        self.id = bare if self.is_own else f"resp_{_seed(bare)}"
        self._seed = _seed(bare)
        self._members: JSON = {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": "in_progress",
            "background": False,
            "error": None,
            "incomplete_details": None,
            **_echo(request),
            "model": model or request.model,
            "output": [],
            "usage": None,
            **(kept or {}),
        }

    def item_id(self, kind: str, index: int) -> str:
        """The id of the item at `index` of the output; always the same."""
        return f"{_PREFIXES.get(kind, 'item')}_{self._seed}_{index}"

    def snapshot(self, status: str = "in_progress", **members: Any) -> JSON:
        """The response in its current state."""
        return {**self._members, "status": status, **members}

    def final(
        self,
        output: list[JSON],
        reason: FinishReason | None,
        detail: str | None,
        usage: Usage | None,
        kept: JSON,
    ) -> JSON:
        """The response at its end."""
        status, members = "completed", dict(kept)
        if reason in INCOMPLETE or (reason == "other" and self.is_own):
            status = "incomplete"
            word = INCOMPLETE.get(reason, detail)
            members["incomplete_details"] = None if word == status else {"reason": word}
        elif reason == "error":
            status = "failed"
            members.setdefault("error", failure(detail))
        elif reason is None and detail in _UNFINISHED:
            status = str(detail)
        if usage is not None:
            members["usage"] = write_usage(usage)
            if usage.service_tier in TIERS:
                members.setdefault("service_tier", usage.service_tier)
        return self.snapshot(status, **members, output=output)


def failure(message: str | None, code: str | None = None) -> JSON:
    """The `error` of a failed response."""
    shown = message if message and message != "failed" else "The provider failed to answer."
    return {"code": code or "server_error", "message": shown}


def _seed(response_id: str) -> str:
    bare = response_id.removeprefix("resp_").removeprefix("chatcmpl-")
    seed = "".join(c for c in bare if (c.isascii() and c.isalnum()) or c in "-_")
    if len(seed) <= _LONGEST_SEED:
        return seed
    # Long ids may differ only in their ends.
    return sha256(response_id.encode("utf-8", "surrogatepass")).hexdigest()[:_LONGEST_SEED]


def _echo(request: ChatRequest) -> JSON:
    kept = own(request.extensions)
    requested = settings(request, [])
    text: JSON = {"format": {"type": "text"}} | requested.get("text", {})
    return {
        "instructions": instructions_of(request),
        "max_output_tokens": request.max_tokens,
        "max_tool_calls": kept.get("max_tool_calls"),
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "previous_response_id": kept.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None} | requested.get("reasoning", {}),
        "service_tier": tier if (tier := request.service_tier) in TIERS else "default",
        "store": request.store is not False if NAME in request.extensions else bool(request.store),
        "temperature": 1.0 if request.temperature is None else request.temperature,
        "text": text,
        "tool_choice": requested.get("tool_choice", "auto"),
        "tools": requested.get("tools", []),
        "top_logprobs": request.top_logprobs or kept.get("top_logprobs") or 0,
        "top_p": 1.0 if request.top_p is None else request.top_p,
        "truncation": kept.get("truncation") or "disabled",
        "user": request.user,
        "metadata": request.metadata or {},
    }
