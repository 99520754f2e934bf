"""Reports as losses the parts of a request that only other dialects can express."""

from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.losses import has_content, lost_member
from jackfield.messages import ChatRequest

from .details import is_own
from .fields import own

_HINTS: Final = frozenset(
    {
        "cache_control",
        "include",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "stream_options",
    }
)
"""Members that affect cost and speed or name the caller, but do not change the answer."""

INCIDENTAL: Final[frozenset[str | tuple[str, str]]] = frozenset(
    {
        *("groundingAttributions", "logprobsResult", "tokenCount"),
        *("avgLogprobs", "createTime", "modelStatus"),
        *(("finishMessage", message) for message in ("Model generated function call(s).",)),
    }
)
"""Members of answers that have a canonical form, or describe an answer that is complete."""

_VOICE: Final = "$audio"
"""The note of a chat request with the voice and the format of an answer's speech."""

STATE: Final = ("cachedContent", "continuationToken")
"""Members that refer to a conversation or an answer stored by Google."""

_NAMED_APART: Final = frozenset({"previous_response_id", "conversation"})
_DEFAULTS: Final = (("truncation", "disabled"),)


def foreign_losses(request: ChatRequest) -> list[Loss]:
    """The losses of members that only other dialects have."""
    losses = _state_loss(request)
    for name, members in request.extensions.items():
        if is_own(name):
            continue
        for key, value in members.items():
            if _matters(key, value):
                losses.append(lost_member(name, key, value))
        if _VOICE in members:
            detail = "the voice and the format are the model's own"
            losses.append(Loss(f"{name}.audio", "audio", "dropped", detail))
    return losses


def _state_loss(request: ChatRequest) -> list[Loss]:
    if request.server_state is None or not own(request.extensions).keys().isdisjoint(STATE):
        return []
    detail = "the text of earlier turns is missing"
    state = "conversation.server_state"
    return [Loss(state, "server_state", "dropped", detail, breaks=True)]


def _matters(key: str, value: Any) -> bool:
    # A `$` marks a note on the original form.
    if not has_content(key, value) or key.startswith("$") or (key, value) in _DEFAULTS:
        return False
    return key not in _HINTS and key not in _NAMED_APART
