"""Reports as losses the parts of a request that Converse cannot express."""

from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.losses import has_content, lost_member
from jackfield.messages import ChatRequest, Extensions

from .converse_claude import OF_DOCUMENTS
from .converse_names import NAME

_FEATURES: Final = (
    # field of the canonical request, feature, default value
    ("seed", "seed", None),
    ("frequency_penalty", "penalties", 0),
    ("presence_penalty", "penalties", 0),
    ("logit_bias", "logit_bias", None),
    ("logprobs", "logprobs", False),
    ("top_logprobs", "logprobs", 0),
    ("n", "n", 1),
    ("parallel_tool_calls", "parallel_tool_calls", True),
    ("user", "user", None),
    ("store", "store", False),
)
_HINTS: Final = frozenset(
    {
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "stream_options",
        "cache_control",
        "stream",
        "anthropic_version",
    }
)
"""Members that affect cost and speed only, or ask for Bedrock's default."""

INCIDENTAL: Final[frozenset[str | tuple[str, str]]] = frozenset(
    {
        *("metrics", "performanceConfig", "type"),
        *(("serviceTier", tier) for tier in ("default", "standard")),
    }
)
"""Members of answers and their calls that time the answer, or have a canonical form."""

_NAMED_APART: Final = frozenset({"previous_response_id", "conversation"})
_DEFAULTS: Final[tuple[tuple[str, Any], ...]] = (("truncation", "disabled"),)


def foreign_losses(request: ChatRequest) -> list[Loss]:
    """The losses of a request that came in another dialect."""
    losses = _parameter_losses(request)
    if request.server_state is not None:
        detail = "the text of earlier turns is missing"
        losses.append(
            Loss("conversation.server_state", "server_state", "dropped", detail, breaks=True)
        )
    others = {name: members for name, members in request.extensions.items() if name != OF_DOCUMENTS}
    return losses + lost_members(others, NAME)


def lost_members(extensions: Extensions, dialect: str) -> list[Loss]:
    """The losses of other dialects' members, for rendering in `dialect`."""
    return [
        lost_member(name, key, value)
        for name, members in extensions.items()
        if name != dialect
        for key, value in members.items()
        if _is_lost(key, value)
    ]


def has_logprobs(logprobs: Any) -> bool:
    """Whether there are log probabilities, which Converse does not have."""
    return any(logprobs.values()) if isinstance(logprobs, dict) else bool(logprobs)


def _parameter_losses(request: ChatRequest) -> list[Loss]:
    found: dict[str, Loss] = {}
    for field, feature, nothing in _FEATURES:
        value = getattr(request, field)
        if value is not None and value not in (nothing, {}):
            found.setdefault(feature, Loss(feature, field, "dropped"))
    for kind in request.modalities:
        if kind != "text":
            feature = "audio" if kind == "audio" else f"modalities.{kind}"
            found[feature] = Loss(feature, "modalities", "dropped", "it only answers in text")
    return list(found.values())


def _is_lost(key: str, value: Any) -> bool:
    # A `$` marks a note on the original form.
    if not has_content(key, value) or key.startswith("$") or (key, value) in _DEFAULTS:
        return False
    return key not in _HINTS and key not in _NAMED_APART
