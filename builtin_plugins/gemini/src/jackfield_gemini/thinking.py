"""Thinking: Gemini's `thinkingConfig`, with levels from version 3 on and budgets before."""

from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.messages import ReasoningRequest

from .fields import Fields
from .signatures import version_of

_BUDGETS: Final = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24576}
"""Tokens per effort, as in Google's own OpenAI-compatible endpoint."""

_LEVELS: Final = {"minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM", "high": "HIGH"}
_MORE: Final = ("xhigh", "max")


def read_thinking(fields: Fields) -> ReasoningRequest | None:
    """The reasoning that `thinkingConfig` requests; a budget of -1 leaves it to the model."""
    inner = fields.inner("thinkingConfig")
    if inner is None:
        return None
    level, budget = inner.text("thinkingLevel"), inner.integer("thinkingBudget")
    return ReasoningRequest(
        effort=level.lower() if level else None,
        budget_tokens=budget if budget is not None and budget >= 0 else None,
        summary="auto" if inner.flag("includeThoughts") else None,
    )


def write_thinking(
    reasoning: ReasoningRequest | None, model: str, losses: list[Loss]
) -> dict[str, Any]:
    """`thinkingConfig`; empty if nothing is requested or the model cannot think."""
    if reasoning is None or reasoning == ReasoningRequest():
        return {}
    version = version_of(model)
    if (version is not None and version < (2, 5)) or "gemma" in model:
        losses.append(Loss("reasoning.effort", "reasoning", "dropped", "the model does not think"))
        return {}
    config = _write_amount(reasoning, model, losses)
    thinks = config.get("thinkingBudget") != 0
    if thinks and (reasoning.summary or reasoning.effort or reasoning.budget_tokens):
        config["includeThoughts"] = True
    return {"thinkingConfig": config} if config else {}


def _write_amount(reasoning: ReasoningRequest, model: str, losses: list[Loss]) -> dict[str, Any]:
    if reasoning.budget_tokens is not None:
        return {"thinkingBudget": _limited(reasoning.budget_tokens, model, losses)}
    effort = reasoning.effort
    if effort is None:
        return {}
    version = version_of(model)
    if version is not None and version >= (3, 0):
        return {"thinkingLevel": _level(effort, model, losses)}
    if effort in _MORE:
        _approximate(effort, "high", losses)
        effort = "high"
    budget = _BUDGETS.get(effort)
    if budget is None:
        losses.append(Loss("reasoning.effort", "reasoning", "dropped", f"{effort!r}"))
        return {}
    return {"thinkingBudget": _limited(budget, model, losses)}


def _level(effort: str, model: str, losses: list[Loss]) -> str:
    if effort in _LEVELS and not (effort == "minimal" and "pro" in model):
        return _LEVELS[effort]
    nearest = "HIGH" if effort in _MORE else "LOW" if "pro" in model else "MINIMAL"
    _approximate(effort, nearest, losses)
    return nearest


def _limited(budget: int, model: str, losses: list[Loss]) -> int:
    """The budget within the limits of version 2.5; Pro cannot turn thinking off."""
    least, most = (128, 32768) if "pro" in model else (0, 24576)
    within = min(max(budget, least), most)
    if within != budget:
        detail = f"{budget} tokens as {within}"
        losses.append(Loss("reasoning.budget_tokens", "reasoning", "approximated", detail))
    return within


def _approximate(effort: str, nearest: str, losses: list[Loss]) -> None:
    detail = f"{effort!r} as {nearest}"
    losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
