"""The reasoning efforts that OpenAI's models accept, and the settings they refuse with them.

Sources: OpenAI's guide to reasoning, its pages on the models, and the errors of its API.
"""

import re
from typing import Final

from jackfield.capabilities import ModelFacts
from jackfield.dialects import Loss
from jackfield.messages import ChatRequest

_BUDGETS: Final = ((0, "none"), (2048, "low"), (8192, "medium"))
_EFFORTS: Final = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_TAKEN: Final = (
    (re.compile(r"\bgpt-5-pro\b"), ("high",)),
    (re.compile(r"\bo\d|\bgpt-oss\b|\bgpt-5-codex\b"), ("low", "medium", "high")),
    (re.compile(r"\bgpt-5\b(?!\.\d)"), ("minimal", "low", "medium", "high")),
    (re.compile(r"\bgpt-5\.1\b(?!-codex-max)"), ("none", "low", "medium", "high")),
    (re.compile(r"\bgpt-6(?:-astra|\.\d)"), ("low", "medium", "high", "xhigh", "max")),
    (re.compile(r"\bgpt-(?:5\.\d|6)"), ("none", "low", "medium", "high", "xhigh", "max")),
)
"""The efforts of models that do not accept all of them, in ascending order."""

_NEVER_SAMPLES: Final = re.compile(
    r"\bo\d|\bgpt-5\b(?!\.\d|-chat)|\bgpt-5\.\d+-(?:pro|codex)|\bgpt-6(?:-astra|\.\d)"
)
_SAMPLES_UNTHINKING: Final = re.compile(r"\bgpt-(?:5\.\d|6)")
_THINKS_UNASKED: Final = re.compile(r"\bgpt-(?:5\.[5-9]|6)")
_FACTS: Final = ModelFacts()


def effort_for(request: ChatRequest, losses: list[Loss]) -> str | None:
    """The effort for a request of another dialect; None to ask for none."""
    reasoning = request.reasoning
    if reasoning is None or (reasoning.effort is None and reasoning.budget_tokens is None):
        return None
    budget = reasoning.budget_tokens or 0
    word = reasoning.effort or next((word for most, word in _BUDGETS if budget <= most), "high")
    known = _FACTS.of(request.model).reasoning
    if known == "always" and not any(name.startswith("openai.") for name in request.extensions):
        detail = f"{word!r}: the model always reasons, and cannot be told how much"
        losses.append(Loss("reasoning.effort", "reasoning", "dropped", detail))
        return None
    effort = None if known == "none" else _taken_effort(word, request.model)
    if effort is None:
        if word != "none":
            losses.append(Loss("reasoning", "reasoning", "dropped", "the model does not reason"))
    elif reasoning.effort is None and effort != "none":
        detail = f"{budget} tokens as effort {effort!r}"
        losses.append(Loss("reasoning.budget_tokens", "reasoning", "approximated", detail))
    elif effort != word:
        detail = f"{word!r} as {effort!r}"
        losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
    return effort


def _taken_effort(effort: str, model: str) -> str:
    """The effort or the next greater one that the model accepts."""
    taken = next((efforts for models, efforts in _TAKEN if models.search(model)), _EFFORTS)
    if effort in taken or effort not in _EFFORTS:
        return effort
    greater = _EFFORTS[_EFFORTS.index(effort) :]
    return next((one for one in greater if one in taken), taken[-1])


def samples(model: str, effort: str | None) -> bool:
    """Whether the model accepts sampling settings with this effort."""
    if _NEVER_SAMPLES.search(model) or (effort is None and _THINKS_UNASKED.search(model)):
        return False
    return effort in (None, "none") or not _SAMPLES_UNTHINKING.search(model)


def hides_thoughts(request: ChatRequest) -> bool:
    """Whether the model's reasoning may be encrypted; that of open models is not."""
    if "gpt-oss" in request.model:
        return False
    known, reasoning = _FACTS.of(request.model).reasoning, request.reasoning
    if known is not None or reasoning is None:
        return known not in (None, "none")
    return bool(reasoning.budget_tokens) or reasoning.effort not in (None, "none")
