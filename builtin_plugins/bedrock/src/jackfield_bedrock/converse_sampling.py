"""Which models accept temperature, top_p and top_k; newer Claude versions accept fewer."""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest

from .converse_members import ADDITIONAL, Tree
from .converse_models import claude_version, family_of
from .converse_names import NAME

_ONE: Final = (4, 1)
"""The first version in which temperature and top_p exclude each other."""

_NONE: Final = (4, 7)
"""The first version without sampling settings."""

_LEAST_TOP_P: Final = 0.95


def allowed_sampling(request: ChatRequest, reasoning: Tree, losses: list[Loss]) -> ChatRequest:
    """The request without settings its model refuses; Converse's own requests are unchanged.

    `reasoning` are the members that make the model think.
    """
    if NAME in request.extensions:
        return request
    if request.temperature is not None and request.temperature > 1:
        losses.append(Loss("temperature", "temperature", "approximated", "1 is the highest"))
        request = replace(request, temperature=1)
    if family_of(request.model) != "claude":
        return request
    version = claude_version(request.model)
    thinks = "thinking" in reasoning.get(ADDITIONAL, {})
    if version >= _NONE:
        return _without(request, ("temperature", "top_p", "top_k"), "not supported", losses)
    if thinks:
        keys = ["top_k"]
        if request.temperature != 1:
            keys.append("temperature")
        if request.top_p is not None and request.top_p < _LEAST_TOP_P:
            keys.append("top_p")
        request = _without(request, keys, "not while it thinks", losses)
    if version >= _ONE and request.temperature is not None:
        request = _without(request, ("top_p",), "not together with a temperature", losses)
    return request


def _without(
    request: ChatRequest, keys: Sequence[str], why: str, losses: list[Loss]
) -> ChatRequest:
    present = [key for key in keys if getattr(request, key) is not None]
    losses += [Loss(key, key, "dropped", why) for key in present]
    nothing: dict[str, Any] = dict.fromkeys(present)
    return replace(request, **nothing) if present else request
