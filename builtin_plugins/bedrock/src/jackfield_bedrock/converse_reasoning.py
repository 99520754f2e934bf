"""Reasoning settings in the form of each family of models."""

from collections.abc import Mapping
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest, ReasoningRequest

from .converse_members import ADDITIONAL, Member, Tree, at, nested
from .converse_messages import lacks_thoughts
from .converse_models import claude_version, family_of, thinks_by_effort, unthinking

_BUDGETS: Final[Mapping[str, int]] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}
_LEAST_BUDGET: Final = 1024
_FORCED: Final = (4, 8)
"""The first version of Claude that Bedrock lets think when a tool is forced."""

_XHIGH: Final = (4, 7)
"""The first version of Claude with the effort "xhigh"."""

_THREE: Final[Mapping[str, str]] = {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}
_EFFORT: Final = ("outputConfig", "effort")
_THINKING: Final = (ADDITIONAL, "thinking")
_PLAIN: Final = ((ADDITIONAL, "reasoning_effort"), (ADDITIONAL, "reasoning_config"))
_NOVA: Final = (ADDITIONAL, "reasoningConfig")
_ANTHROPIC_EFFORT: Final = (ADDITIONAL, "output_config", "effort")


def _read(tree: Tree) -> ReasoningRequest | None:
    effort = next(
        (word for path in (_EFFORT, _ANTHROPIC_EFFORT, *_PLAIN) if (word := _word(at(tree, path)))),
        None,
    )
    nova = at(tree, _NOVA)
    if isinstance(nova, dict):
        effort = _word(nova.get("maxReasoningEffort")) if nova.get("type") == "enabled" else "none"
    thinking = at(tree, _THINKING)
    budget = None
    if isinstance(thinking, dict):
        kind, budget = thinking.get("type"), thinking.get("budget_tokens")
        if kind in ("disabled", "between_tools"):
            effort = "none"
        elif kind == "adaptive":
            effort = effort or "high"  # the default of Anthropic's API
        budget = budget if type(budget) is int and kind == "enabled" else None
    found = ReasoningRequest(effort=effort, budget_tokens=budget)
    return None if found == ReasoningRequest() else found


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


REASONING: Final = Member(
    "reasoning", (_THINKING, _EFFORT, _ANTHROPIC_EFFORT, *_PLAIN, _NOVA), _read
)


def write_reasoning(request: ChatRequest, losses: list[Loss]) -> Tree:
    """The members that make the request's model reason."""
    kept = REASONING.kept(request)
    requested = request.reasoning
    if kept is not None:
        return kept
    if requested is None or (requested.effort is None and requested.budget_tokens is None):
        return {}
    return _write_for_model(request, requested, losses)


def _write_for_model(request: ChatRequest, requested: ReasoningRequest, losses: list[Loss]) -> Tree:
    unwanted = requested.effort == "none" or requested.budget_tokens == 0
    match family_of(request.model):
        case "gpt-oss":
            return nested(_PLAIN[0], _effort_of_three(requested, losses))
        case "qwen":
            return nested(_PLAIN[1], _effort_of_three(requested, losses))
        case _ if unwanted:
            return _without_thinking(request.model, losses)
        case "claude":
            return _claude(request, requested, losses)
        case "nova" if thinks_by_effort(request.model):
            return _nova(request, requested, losses)
    detail = f"there is no known way to ask {request.model} to think"
    losses.append(Loss("reasoning", "reasoning", "dropped", detail))
    return {}


def _without_thinking(model: str, losses: list[Loss]) -> Tree:
    kind = unthinking(model)
    if kind is None:
        detail = "'none' as 'low': it always thinks"
        losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
        return nested(_EFFORT, "low")
    return nested(_THINKING, {"type": kind}) if kind else {}


def _claude(request: ChatRequest, requested: ReasoningRequest, losses: list[Loss]) -> Tree:
    version = claude_version(request.model)
    adaptive = version >= (4, 7) or (version >= (4, 6) and requested.budget_tokens is None)
    choice = request.tool_choice
    why = ""
    if version < (3, 7):
        why = "the model does not think"
    elif choice is not None and choice.mode == "required" and version < _FORCED:
        why = "not together with a forced tool"
    elif not adaptive and lacks_thoughts(request.messages):
        why = "the thoughts before the calls are missing"
    if why:
        losses.append(Loss("reasoning", "reasoning", "dropped", why))
        return {}
    return _adaptive(version, requested, losses) if adaptive else _within(request, losses)


def _adaptive(version: tuple[int, int], requested: ReasoningRequest, losses: list[Loss]) -> Tree:
    effort = requested.effort or _nearest_effort(requested.budget_tokens or 0)
    thinking = {"type": "adaptive"} | ({"display": "summarized"} if requested.summary else {})
    word = "low" if effort == "minimal" else effort
    word = "high" if word == "xhigh" and version < _XHIGH else word
    _approximated(requested.effort, effort, word, losses)
    return {**nested(_THINKING, thinking), **nested(_EFFORT, word)}


def _within(request: ChatRequest, losses: list[Loss]) -> Tree:
    requested = request.reasoning or ReasoningRequest()
    budget = requested.budget_tokens or _BUDGETS.get(requested.effort or "", _BUDGETS["medium"])
    if request.max_tokens is not None:
        budget = min(budget, request.max_tokens - 1)
    if budget < _LEAST_BUDGET:
        why = f"thinking takes an answer of more than {_LEAST_BUDGET} tokens"
        losses.append(Loss("reasoning", "reasoning", "dropped", why))
        return {}
    if budget != requested.budget_tokens:
        detail = f"a budget of {budget} tokens"
        losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
    return nested(_THINKING, {"type": "enabled", "budget_tokens": budget})


def _nova(request: ChatRequest, requested: ReasoningRequest, losses: list[Loss]) -> Tree:
    effort = _effort_of_three(requested, losses)
    bounds = (request.max_tokens, request.temperature, request.top_p)
    if effort == "high" and any(bound is not None for bound in bounds):
        detail = "'medium', since Nova takes no bounds with 'high'"
        losses.append(Loss("reasoning.effort", "reasoning", "approximated", detail))
        effort = "medium"
    return nested(_NOVA, {"type": "enabled", "maxReasoningEffort": effort})


def _effort_of_three(requested: ReasoningRequest, losses: list[Loss]) -> str:
    """One of low, medium, high."""
    effort = requested.effort or _nearest_effort(requested.budget_tokens or 0)
    word = _THREE.get(effort, effort)
    _approximated(requested.effort, effort, word, losses)
    return word


def _approximated(requested: str | None, effort: str, word: str, losses: list[Loss]) -> None:
    if requested is None:
        losses.append(
            Loss("reasoning.budget_tokens", "reasoning", "approximated", f"as effort {word!r}")
        )
    elif word != effort:
        losses.append(Loss("reasoning.effort", "reasoning", "approximated", f"as {word!r}"))


def _nearest_effort(budget: int) -> str:
    """The effort nearest to a budget of reasoning tokens."""
    if budget <= 2048:
        return "low"
    return "medium" if budget <= 8192 else "high"
