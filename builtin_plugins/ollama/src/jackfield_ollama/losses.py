"""Reports as losses the parts of a request that Ollama cannot express."""

from jackfield.dialects import Loss
from jackfield.losses import has_content, lost_member
from jackfield.messages import ChatRequest, Extensions

_HINTS = frozenset(
    {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "stream_options"}
)
"""Members that affect cost and speed, but not the answer."""
INCIDENTAL = frozenset(
    {
        *("completed", "created_at", "function", "remote_host", "remote_model", "total"),
        *("eval_duration", "load_duration", "prompt_eval_duration", "total_duration"),
    }
)
"""Members of answers and their calls that have a canonical form, or time the answer."""

_NAMED_APART = frozenset({"previous_response_id", "conversation"})
_DEFAULTS = (("truncation", "disabled"),)
_UNSAID = {
    "logit_bias": "logit_bias",
    "metadata": "metadata",
    "user": "user",
    "service_tier": "service_tier",
    "store": "store",
}
"""Fields of a canonical request that are lost if they are set, with their losses."""


def request_losses(request: ChatRequest, dialect: str) -> list[Loss]:
    """The losses of a request in `dialect`, except for its messages and tools."""
    losses = [
        Loss(feature, key, "dropped")
        for key, feature in _UNSAID.items()
        if getattr(request, key) and not (key == "service_tier" and request.service_tier == "auto")
    ]
    if request.n is not None and request.n > 1:
        losses.append(Loss("n", "n", "dropped", "Ollama returns one answer"))
    if request.parallel_tool_calls is False and request.tools:
        losses.append(Loss("parallel_tool_calls", "parallel_tool_calls", "dropped"))
    losses += [
        Loss("audio" if modality == "audio" else f"modalities.{modality}", "modalities", "dropped")
        for modality in request.modalities
        if modality != "text"
    ]
    if request.server_state is not None and not _is_own(request, dialect):
        detail = "the text of earlier turns is missing"
        losses.append(
            Loss("conversation.server_state", "server_state", "dropped", detail, breaks=True)
        )
    return losses + lost_members(request.extensions, dialect)


def _is_own(request: ChatRequest, dialect: str) -> bool:
    return "context" in request.extensions.get(dialect, {})


def lost_members(extensions: Extensions, dialect: str) -> list[Loss]:
    """The losses of other dialects' members, for rendering in `dialect`."""
    return [
        lost_member(name, key, value)
        for name, members in extensions.items()
        if name != dialect
        for key, value in members.items()
        if has_content(key, value)
        and not key.startswith("$")
        and key not in _HINTS | _NAMED_APART
        and (key, value) not in _DEFAULTS
    ]
