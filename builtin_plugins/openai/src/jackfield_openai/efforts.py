"""How much a model is asked to think, where others count tokens and OpenAI knows words."""

import re
from typing import Final

from jackfield.capabilities import ModelFacts
from jackfield.messages import ChatRequest

_EFFORTS: Final = ((2048, "low"), (8192, "medium"))
_LEAST: Final = (
    (re.compile(r"\bo\d|\bgpt-oss\b|\bgpt-5-codex\b"), "low"),
    (re.compile(r"\bgpt-5\b(?!\.\d)"), "minimal"),
)
"""The least effort of models that cannot be told not to think at all."""

_FACTS: Final = ModelFacts()


def effort_of(budget: int, model: str) -> str | None:
    """The effort nearest to a budget of reasoning tokens; None for a model that never thinks."""
    if budget > 0:
        return next((effort for most, effort in _EFFORTS if budget <= most), "high")
    if _FACTS.of(model).reasoning == "none":
        return None
    return next((effort for models, effort in _LEAST if models.search(model)), "none")


def hides_thoughts(request: ChatRequest) -> bool:
    """Whether the model may think what only its vendor can read; open models think in the open."""
    if "gpt-oss" in request.model:
        return False
    known, asked = _FACTS.of(request.model).reasoning, request.reasoning
    if known is not None or asked is None:
        return known not in (None, "none")
    return bool(asked.budget_tokens) or asked.effort not in (None, "none")
