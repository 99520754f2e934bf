"""Thinking: `thinking` and `output_config.effort`, to and from the canonical form."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest, Message, Reasoning, ReasoningRequest, ToolCall

from .generations import Generation
from .messages_reasoning import replayed

LEAST_BUDGET: Final = 1024
ANSWER_TOKENS: Final = 4096
"""The output limit of a request without one."""

_BUDGETS: Final = {
    "minimal": LEAST_BUDGET,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}
_EFFORTS: Final = ((2048, "low"), (8192, "medium"), (16384, "high"))
_DEFAULT_EFFORT: Final = "high"
_UNTHINKING: Final = ("disabled", "between_tools")
_KNOWN_EFFORTS: Final = frozenset({"low", "medium", "high", "max"})


def read_thinking_request(wire: Mapping[str, Any]) -> ReasoningRequest | None:
    """The reasoning that `thinking` and `output_config` request."""
    thinking, config = wire.get("thinking"), wire.get("output_config")
    if thinking is None and config is None:
        return None
    effort = config.get("effort") if isinstance(config, Mapping) else None
    thinking_config: Mapping[str, Any] = thinking if isinstance(thinking, Mapping) else {}
    budget = thinking_config.get("budget_tokens")
    kind = thinking_config.get("type")
    if not isinstance(effort, str) or not effort:
        effort = _DEFAULT_EFFORT if kind == "adaptive" else None
    found = ReasoningRequest(
        effort="none" if kind in _UNTHINKING else effort,
        budget_tokens=budget if type(budget) is int else None,
        summary="auto" if thinking_config.get("display") == "summarized" else None,
    )
    return None if found == ReasoningRequest() else found


class ThinkingWriter:
    """Writes another dialect's request, as far as the model's generation supports it."""

    def __init__(self, request: ChatRequest, losses: list[Loss]) -> None:
        self.request = request
        self.max_tokens = request.max_tokens
        self.thinking: dict[str, Any] | None = None
        self.effort: str | None = None
        self._losses = losses

    def write(self, model: Generation) -> None:
        """Decide on `thinking`, `effort` and, if the request has no limit, `max_tokens`."""
        requested = self.request.reasoning
        if requested is None:
            return
        if requested.effort == "none" or requested.budget_tokens == 0:
            self._without_thinking(model)
        elif requested.effort is None and requested.budget_tokens is None:
            if requested.summary is not None:
                self._lose("reasoning.summary", "dropped", "no thinking was requested")
        elif model.budget and (requested.budget_tokens is not None or not model.adaptive):
            self._within(requested)
        else:
            self.thinking = {"type": "adaptive", "display": "summarized"}
            self.effort = self._effort(requested, model)

    def _without_thinking(self, model: Generation) -> None:
        if model.unthinking:
            self.thinking = {"type": model.unthinking}
        elif model.unthinking is None:
            self.effort = "low"
            self._lose("reasoning.effort", "approximated", "'none' as 'low': it always thinks")

    def _effort(self, requested: ReasoningRequest, model: Generation) -> str:
        if requested.effort is None:
            budget = requested.budget_tokens or 0
            effort = next((name for most, name in _EFFORTS if budget <= most), "max")
            self._lose("reasoning.budget_tokens", "approximated", f"{budget} as effort {effort!r}")
            return effort
        if requested.effort in _KNOWN_EFFORTS or (requested.effort == "xhigh" and model.xhigh):
            return requested.effort
        effort = "low" if requested.effort == "minimal" else "high"
        self._lose("reasoning.effort", "approximated", f"{requested.effort!r} as {effort!r}")
        return effort

    def _within(self, requested: ReasoningRequest) -> None:
        budget = requested.budget_tokens
        if budget is None:
            budget = _BUDGETS.get(requested.effort or "", _BUDGETS["medium"])
            detail = f"{requested.effort!r} as {budget} tokens"
            self._lose("reasoning.effort", "approximated", detail)
        obstacle = self._obstacle()
        if obstacle:
            self._lose("reasoning", "dropped", obstacle)
            return
        budget = max(budget, LEAST_BUDGET)
        if self.max_tokens is None:
            self.max_tokens = budget + ANSWER_TOKENS
        self.thinking = {
            "type": "enabled",
            "budget_tokens": min(budget, max(self.max_tokens - 1, LEAST_BUDGET)),
        }

    def _obstacle(self) -> str | None:
        choice = self.request.tool_choice
        if choice is not None and choice.mode == "required" and self.request.tools:
            return "the model cannot think with a forced tool"
        if self.max_tokens is not None and self.max_tokens <= LEAST_BUDGET:
            return f"an answer of {self.max_tokens} tokens leaves no room for it"
        if _lacks_thoughts(self.request.messages):
            return "the thoughts before the last tool calls are missing"
        return None

    def _lose(self, feature: str, how: Any, detail: str) -> None:
        self._losses.append(Loss(feature, "reasoning", how, detail))


def _lacks_thoughts(messages: Sequence[Message]) -> bool:
    """Whether the model is using tools and the thoughts that led to that are missing."""
    for message in reversed(messages):
        if message.role == "assistant":
            calls = any(isinstance(part, ToolCall) for part in message.parts)
            first = message.parts[0] if message.parts else None
            return calls and not (isinstance(first, Reasoning) and replayed(first) is not None)
        if message.role != "tool":
            return False
    return False
