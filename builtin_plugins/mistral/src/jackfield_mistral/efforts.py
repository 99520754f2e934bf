"""The reasoning efforts that Mistral's own models accept.

Source: Mistral's page on adjustable reasoning. Other vendors' models that it serves, and models of
compatible servers, get the effort as it is.
"""

import re
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest

_ITS_OWN: Final = re.compile(
    r"mistral|magistral|mixtral|ministral|codestral|devstral|pixtral|voxtral"
)
_ADJUSTABLE: Final = re.compile(
    r"(?:mistral-(?:small|medium)|magistral-[a-z]+)-(?:latest|2[6-9]\d\d)|mistral-medium-3[.-]5"
)
_ALWAYS: Final = re.compile(r"magistral")


def fit_effort(request: ChatRequest, tree: dict[str, Any], losses: list[Loss]) -> None:
    """Change `reasoning_effort` to one that the model accepts, or remove it."""
    effort, model = tree.get("reasoning_effort"), request.model
    if effort is None or _ITS_OWN.search(model) is None:
        return
    if _ADJUSTABLE.search(model) is not None:
        if effort not in ("none", "high"):
            tree["reasoning_effort"] = "high"
            _lose_effort(request, losses, f"{effort!r} as 'high'")
        return
    del tree["reasoning_effort"]
    if _ALWAYS.search(model) is not None:
        _lose_effort(request, losses, "the model always thinks")
    elif effort != "none":
        losses.append(Loss("reasoning", "reasoning", "dropped", "the model does not reason"))


def _lose_effort(request: ChatRequest, losses: list[Loss], detail: str) -> None:
    if request.reasoning is not None and request.reasoning.effort is not None:
        losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
