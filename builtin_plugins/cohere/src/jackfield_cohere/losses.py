"""Reports as losses the parts of a request that Cohere cannot express."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.losses import has_content, lost_member
from jackfield.messages import ChatRequest, Extensions

_HINTS: Final = frozenset(
    {"prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "stream_options"}
)
"""Members of other dialects that affect cost and speed, but not the answer."""
_SERVED: Final = ("reasoning.encrypted_content", "message.output_text.logprobs")
_NAMED_APART: Final = frozenset({"previous_response_id", "conversation"})

_Lost = Callable[[ChatRequest], bool]
_FIELDS: Final[Mapping[str, _Lost]] = {
    "n": lambda request: (request.n or 1) > 1,
    "logit_bias": lambda request: bool(request.logit_bias),
    "logprobs": lambda request: bool(request.top_logprobs),
    "parallel_tool_calls": lambda request: request.parallel_tool_calls is False,
    "audio": lambda request: "audio" in request.modalities,
    "modalities.image": lambda request: "image" in request.modalities,
    "user": lambda request: bool(request.user),
    "metadata": lambda request: bool(request.metadata),
    "service_tier": lambda request: request.service_tier not in (None, "auto", "default"),
    "store": lambda request: request.store is True,
}


def request_losses(request: ChatRequest, dialect: str) -> list[Loss]:
    """The losses of a request's fields and of other dialects' members, in `dialect`."""
    kept = request.extensions.get(dialect, {})
    losses = [
        Loss(feature, feature, "dropped")
        for feature, lost in _FIELDS.items()
        if feature not in kept and lost(request)
    ]
    if request.server_state is not None:
        detail = "the text of earlier turns is missing"
        feature = "conversation.server_state"
        losses.append(Loss(feature, "server_state", "dropped", detail, breaks=True))
    return losses + lost_members(request.extensions, dialect)


def lost_members(extensions: Extensions, dialect: str) -> list[Loss]:
    """The losses of other dialects' members, for rendering in `dialect`."""
    return [
        lost_member(name, key, value)
        for name, members in extensions.items()
        if name != dialect
        for key, value in members.items()
        if _is_lost(key, value)
    ]


def _is_lost(key: str, value: Any) -> bool:
    # A `$` marks a note on the original form.
    if not has_content(key, value) or key.startswith("$"):
        return False
    if key in _HINTS or key in _NAMED_APART:
        return False
    if key == "include":
        return any(entry not in _SERVED for entry in value)
    return (key, value) != ("truncation", "disabled")
