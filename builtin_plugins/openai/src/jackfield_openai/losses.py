"""Reports as losses the parts of a request that only another dialect can express."""

from collections.abc import Collection, Mapping
from typing import Any

from jackfield.dialects import Loss
from jackfield.losses import has_content, lost_member
from jackfield.messages import ChatRequest, Extensions

USUAL_TIERS = frozenset(
    ("service_tier", tier) for tier in ("auto", "default", "on_demand", "standard")
)
"""Service tiers of requests that ask for none, as answers report them."""

OF_CHUNKS = USUAL_TIERS | {
    *("citations", "search_results", "reasoning_details", "thought_signature"),
    *("delta", "native_finish_reason", "usage_breakdown", "stop", "text", "channel"),
    *("metadata", "prompt", "seed"),
    *("system_fingerprint", "provider", "request_id", "token_id", "x_groq"),
    *("latency_checkpoint", "metrics", "sla_metrics", "time_info"),
}
"""Members of chat answers, of several vendors, that have a canonical form or repeat another member,
repeat the request, or identify or time the answer.
"""

OF_RESPONSES = (USUAL_TIERS | {("caller", "direct")}) | {
    *("logprobs", "namespace", "output_text", "status", "tool_usage"),
    *("billing", "completed_at", "item_id", "output_index"),
    *("background", "conversation", "instructions", "max_output_tokens", "max_tool_calls"),
    *("metadata", "parallel_tool_calls", "previous_response_id", "prompt", "reasoning", "store"),
    *("frequency_penalty", "presence_penalty", "temperature", "top_logprobs", "top_p"),
    *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
    *("safety_identifier", "text", "tool_choice", "tools", "truncation", "user"),
    *("output_format", "quality", "size"),
}
"""Members of responses and their items that have a canonical form, or repeat the request."""

LOST_REASON = Loss("finish_reason.other", "choices", "approximated", "as a normal end")
"""The loss of another vendor's reason to stop, for which OpenAI has no word."""

_NAMED_APART = frozenset({"previous_response_id", "conversation"})
_HINTS = frozenset(
    {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "stream_options"}
)
"""Members that affect cost and speed, but not the answer."""
_DEFAULTS = (("truncation", "disabled"),)
_SERVED = ("reasoning.encrypted_content", "message.output_text.logprobs")
"""Values of `include` with a canonical form, whose losses the answer reports."""


def foreign_losses(request: ChatRequest, dialect: str, known: Collection[str] = ()) -> list[Loss]:
    """The losses of rendering in `dialect`, which accepts the `known` ones from any other."""
    losses = []
    if request.server_state is not None and not _keeps_state(request, dialect):
        losses.append(
            Loss(
                "conversation.server_state",
                "server_state",
                "dropped",
                "the text of earlier turns is missing",
                breaks=True,
            )
        )
    return losses + extension_losses(request.extensions, dialect, known)


def extension_losses(
    extensions: Extensions, dialect: str, known: Collection[str] = ()
) -> list[Loss]:
    """The members specific to other dialects that `dialect` leaves out."""
    losses: list[Loss] = []
    for name, members in extensions.items():
        if name.startswith(dialect):  # its own, or members of its tools and calls
            continue
        for key, value in members.items():
            # A `$` marks a note on the original form.
            if key[:1] != "$" and key not in known and _matters(key, value):
                losses.append(lost_member(name, key, value))
    return losses


def _keeps_state(request: ChatRequest, dialect: str) -> bool:
    members: Mapping[str, Any] = request.extensions.get(dialect, {})
    return "previous_response_id" in members or "conversation" in members


def _matters(key: str, value: Any) -> bool:
    if not has_content(key, value) or key in _HINTS or key in _NAMED_APART:
        return False
    if (key, value) in _DEFAULTS:
        return False
    return key != "include" or any(entry not in _SERVED for entry in value)
