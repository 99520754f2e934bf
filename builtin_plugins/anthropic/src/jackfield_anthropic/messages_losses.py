"""Reports as losses the parts of a request that Messages cannot express."""

from operator import attrgetter
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.losses import has_content, lost_member
from jackfield.messages import ChatRequest

from .fields import THREAD, own
from .messages_details import is_own

_HINTS: Final = frozenset(
    {
        *("prompt_cache_key", "prompt_cache_options", "prompt_cache_retention"),
        *("stream_options", "previous_response_id", "conversation", "safety_identifier"),
    }
)
"""Members that affect cost and speed but not the answer, or are reported elsewhere."""
_DEFAULTS: Final = (("truncation", "disabled"), ("verbosity", "medium"))
_SERVED: Final = ("reasoning.encrypted_content", "message.output_text.logprobs")
INCIDENTAL: Final[frozenset[str | tuple[str, str]]] = frozenset({"usage", ("caller", "direct")})
"""Members of answers with a canonical form, or with their usual value."""

_WORDLESS: Final = (
    ("seed", "seed"),
    ("penalties", "frequency_penalty"),
    ("penalties", "presence_penalty"),
    ("logit_bias", "logit_bias"),
    ("logprobs", "logprobs"),
    ("metadata", "metadata"),
    ("store", "store"),
)
_values: Final = attrgetter(*(name for _, name in _WORDLESS))
_NONE: Final = (None,) * len(_WORDLESS)


def foreign_losses(request: ChatRequest) -> list[Loss]:
    """The losses of a request outside its messages."""
    losses = [] if _values(request) == _NONE else _wordless(request)
    if request.n is not None and request.n > 1:
        losses.append(Loss("n", "n", "dropped", "one answer instead of several"))
    for modality in request.modalities:
        if modality != "text":
            feature = "audio" if modality == "audio" else f"modalities.{modality}"
            losses.append(Loss(feature, "modalities", "dropped"))
    if request.server_state is not None and THREAD not in own(request.extensions):
        detail = "the text of earlier turns is missing"
        feature = "conversation.server_state"
        losses.append(Loss(feature, "server_state", "dropped", detail, breaks=True))
    for dialect, members in request.extensions.items():
        if is_own(dialect):
            continue
        for key, value in members.items():
            # A `$` marks a note on the original form.
            if not key.startswith("$") and _is_lost(key, value):
                losses.append(lost_member(dialect, key, value))
    return losses


def _wordless(request: ChatRequest) -> list[Loss]:
    return [
        Loss(feature, name, "dropped")
        for (feature, name), value in zip(_WORDLESS, _values(request), strict=True)
        if value or (name == "seed" and value == 0)
    ]


def _is_lost(key: str, value: Any) -> bool:
    if not has_content(key, value) or key in _HINTS or (key, value) in _DEFAULTS:
        return False
    if key == "text" and isinstance(value, dict):
        return any(
            not name.startswith("$") and _is_lost(name, inner) for name, inner in value.items()
        )
    return key != "include" or any(entry not in _SERVED for entry in value)
