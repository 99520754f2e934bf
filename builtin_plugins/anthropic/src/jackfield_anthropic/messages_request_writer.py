"""Writes a canonical request as the body of a Messages request."""

from typing import Any

from jackfield.dialects import Loss
from jackfield.messages import ChatRequest

from .fields import NAME, carry, own
from .generations import Generation, generation
from .messages_losses import foreign_losses
from .messages_request import NOTED, read_format, read_tier, read_user
from .messages_schemas import closed_schema
from .messages_thinking import ANSWER_TOKENS, ThinkingWriter, read_thinking_request
from .messages_tools import read_choice, write_choice, write_tools
from .messages_turns import write_conversation

_TIERS = {"auto": "auto", "default": "standard_only"}
_LEAST_TOP_P = 0.95
"""Minimum `top_p` while the model thinks."""
Body = dict[str, Any]


def write_request(request: ChatRequest) -> tuple[Body, list[Loss]]:
    """The body of the equivalent Messages request, and its losses."""
    losses: list[Loss] = []
    model = generation(request.model)
    native = request.extensions.get(NAME)
    wire: Body = {"model": request.model}
    write_conversation(request, wire, losses)
    tools = write_tools(request, model.schemas or native is not None, losses)
    if tools:
        wire["tools"] = tools
    settings = _foreign_settings if native is None else _own_settings
    wire |= settings(request, model, losses)
    if not tools and native is None:
        wire.pop("tool_choice", None)
    if request.stop:
        _write_stop(request, wire, losses)
    if request.stream or (native is not None and "$stream" in native):
        wire["stream"] = request.stream
    losses += foreign_losses(request)
    return wire if native is None else carry(wire, request.extensions), losses


def _write_stop(request: ChatRequest, wire: Body, losses: list[Loss]) -> None:
    stop = [text for text in request.stop if text.strip() or NAME in request.extensions]
    if len(stop) < len(request.stop):
        losses.append(Loss("stop", "stop", "dropped", "a blank stop sequence has no effect"))
    if stop:
        wire["stop_sequences"] = stop


def _own_settings(request: ChatRequest, model: Generation, losses: list[Loss]) -> Body:
    """The original settings, unless their meaning has changed since."""
    noted = _noted(request, *NOTED)
    wire: Body = {"max_tokens": ANSWER_TOKENS if request.max_tokens is None else request.max_tokens}
    for key in ("temperature", "top_p", "top_k"):
        if getattr(request, key) is not None:
            wire[key] = getattr(request, key)
    if read_choice(noted.get("tool_choice")) == (request.tool_choice, request.parallel_tool_calls):
        wire |= _noted(request, "tool_choice")
    else:
        wire |= _choice(request, model, losses)
    same = (read_format(noted), read_thinking_request(noted))
    if same == (request.response_format, request.reasoning):
        wire |= _noted(request, "thinking", "output_config", "output_format")
    else:
        wire |= _thinking_and_format(request, model, losses)[0]
    if read_user(noted) == request.user:
        wire |= _noted(request, "metadata")
    elif request.user is not None:
        wire["metadata"] = {"user_id": request.user}
    return wire | _noted(request, "cache_control") | _tier(request, losses)


def _noted(request: ChatRequest, *keys: str) -> Body:
    kept = own(request.extensions)
    return {key: kept[f"${key}"] for key in keys if f"${key}" in kept}


def _foreign_settings(request: ChatRequest, model: Generation, losses: list[Loss]) -> Body:
    wire: Body = {}
    max_tokens = request.max_tokens
    if request.reasoning is not None or request.response_format is not None:
        wire, thinking = _thinking_and_format(request, model, losses)
        max_tokens = thinking.max_tokens
    wire["max_tokens"] = ANSWER_TOKENS if max_tokens is None else max_tokens
    if request.temperature is not None or request.top_p is not None or request.top_k is not None:
        wire |= _sampling(request, model, "thinking" in wire, losses)
    if request.tool_choice is not None or request.parallel_tool_calls is not None:
        wire |= _choice(request, model, losses)
    user = request.user or _identifier(request)
    if user is not None:
        wire["metadata"] = {"user_id": user}
    return wire if request.service_tier is None else wire | _tier(request, losses)


def _identifier(request: ChatRequest) -> str | None:
    for members in request.extensions.values():
        found = members.get("safety_identifier")
        if isinstance(found, str):
            return found
    return None


def _choice(request: ChatRequest, model: Generation, losses: list[Loss]) -> Body:
    choice = write_choice(request, model.forced_tools, losses)
    return {} if choice is None else {"tool_choice": choice}


def _tier(request: ChatRequest, losses: list[Loss]) -> Body:
    tier = request.service_tier
    if tier is None:
        return {}
    kept = own(request.extensions).get("$service_tier")
    if kept is not None and read_tier(kept) == tier:
        return {"service_tier": kept}
    if tier in _TIERS:
        return {"service_tier": _TIERS[tier]}
    losses.append(Loss("service_tier", "service_tier", "dropped", f"there is no tier {tier!r}"))
    return {}


def _thinking_and_format(
    request: ChatRequest, model: Generation, losses: list[Loss]
) -> tuple[Body, ThinkingWriter]:
    thinking = ThinkingWriter(request, losses)
    thinking.write(model)
    wire: Body = {} if thinking.thinking is None else {"thinking": thinking.thinking}
    config: Body = dict(own(request.extensions).get("output_config") or {})
    if thinking.effort is not None:
        config["effort"] = thinking.effort
    form = _format(request, model, losses)
    if form is not None:
        config["format"] = form
    if config:
        wire["output_config"] = config
    return wire, thinking


def _format(request: ChatRequest, model: Generation, losses: list[Loss]) -> Body | None:
    requested = request.response_format
    if requested is None or requested.kind == "text":
        return None
    feature = f"response_format.{requested.kind}"
    if requested.kind == "json_object":
        losses.append(Loss(feature, "response_format", "dropped", "the prompt must ask for JSON"))
        return None
    if not model.schemas or not requested.schema:
        detail = "the model supports no schemas" if requested.schema else "there is no schema"
        losses.append(Loss(feature, "response_format", "dropped", detail))
        return None
    described: set[str] = set()
    schema = closed_schema(requested.schema, described)
    if described:
        detail = f"described, not enforced: {', '.join(sorted(described))}"
        losses.append(Loss(feature, "response_format.schema", "approximated", detail))
    if requested.description:
        schema = {"description": requested.description, **schema}
    return {"type": "json_schema", "schema": schema}


def _sampling(request: ChatRequest, model: Generation, thinks: bool, losses: list[Loss]) -> Body:
    wire: Body = {}
    for key in ("temperature", "top_p", "top_k"):
        value = getattr(request, key)
        if value is None or (value == 1 and key == "top_p"):
            continue
        why = _obstacle(key, value, model, thinks, wire)
        if why is None:
            wire[key] = value
        elif key != "temperature" or value != 1:
            losses.append(Loss(key, key, "dropped", why))
    if wire.get("temperature", 0) > 1:
        wire["temperature"] = 1.0
        detail = f"{request.temperature:g} as 1, which is the most"
        losses.append(Loss("temperature", "temperature", "approximated", detail))
    return wire


def _obstacle(key: str, value: float, model: Generation, thinks: bool, wire: Body) -> str | None:
    if not model.sampling:
        return "the model takes no sampling settings"
    if thinks and not _goes_with_thinking(key, value):
        return "the model takes no sampling settings while it thinks"
    if key == "top_p" and model.one_sampler and "temperature" in wire:
        return "the model takes temperature or top_p, not both"
    return None


def _goes_with_thinking(key: str, value: float) -> bool:
    return value == 1 if key == "temperature" else key == "top_p" and value >= _LEAST_TOP_P
