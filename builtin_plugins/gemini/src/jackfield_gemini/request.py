"""Reads and writes the body of a request to generate content."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.dialects import Loss, Peek, Rendered
from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest

from .contents import read_contents, read_system
from .contents_writer import write_contents
from .details import read_details
from .fields import NAME, Fields, body_fields, camel, carry
from .generation_config import read_config, write_config
from .losses import STATE, foreign_losses
from .tools import read_choice, read_tools, write_tool_config, write_tools

_TIERS: Final = ("flex", "priority")


def peek_request(tree: Any, params: Mapping[str, str]) -> Peek:
    """Model and output limit; the path says whether to stream."""
    body_fields(tree)
    return Peek(model_of(params), max_tokens=_limit(tree))


def _limit(tree: Mapping[str, Any]) -> int | None:
    """The largest of its limits in any spelling, as it is unknown which one Google uses.

    None if one of several configurations has no limit.
    """
    configs = [
        Fields({key: value}).table("generationConfig")
        for key, value in tree.items()
        if camel(key) == "generationConfig"
    ]
    limits = [_limit_in(config) for config in configs if config is not None]
    known = [limit for limit in limits if limit is not None]
    return max(known) if known and len(known) == len(limits) else None


def _limit_in(config: Mapping[str, Any]) -> int | None:
    limits = [
        Fields({key: value}, "generationConfig").integer("maxOutputTokens")
        for key, value in config.items()
        if camel(key) == "maxOutputTokens"
    ]
    return max((limit for limit in limits if limit is not None), default=None)


def model_of(params: Mapping[str, str]) -> str:
    """The model in a path. Raises InvalidRequest if there is none.

    On Vertex AI a path names a publisher too, and Google's SDK splits `provider/model` that way.
    """
    model = params.get("model", "").removeprefix("models/")
    if not model:
        raise InvalidRequest("The path must name a model.", param="model")
    publisher = params.get("publisher", "google")
    return model if publisher == "google" else f"{publisher}/{model}"


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """The canonical form of a request body."""
    return read_chat(body_fields(tree), model_of(params))


def read_chat(fields: Fields, model: str) -> ChatRequest:
    """The canonical form of a request's fields."""
    messages = (*read_system(fields), *read_contents(fields))
    known = _read_config(fields)
    tools = read_tools(fields.rest.get("tools"))
    choice = _read_tool_config(fields)
    if fields.rest.get("tools") is not None:
        fields.rest["$tools"] = fields.rest.pop("tools")
    tier = fields.text("serviceTier")
    return ChatRequest(
        model,
        messages,
        tools=tools,
        tool_choice=choice,
        include_usage=True,
        service_tier=tier,
        store=fields.flag("store"),
        server_state=_state(fields),
        extensions={NAME: fields.rest, **read_details(messages, tools), **_validated(fields)},
        **known,
    )


def _state(fields: Fields) -> str | None:
    """References to a beginning of the conversation, or an answer, stored by Google."""
    kept = {key: fields.rest.get(key) for key in STATE}
    for key, name in kept.items():
        if name is not None and not isinstance(name, str):
            raise fields.wrong(key, "a string")
    return next(filter(None, kept.values()), None)


def _read_config(fields: Fields) -> dict[str, Any]:
    raw = fields.table("generationConfig")
    if raw is None:
        return {}
    fields.rest["$generationConfig"] = raw
    known, rest = read_config(raw)
    if rest:
        fields.rest["generationConfig"] = rest
    return known


def _read_tool_config(fields: Fields) -> Any:
    raw = fields.table("toolConfig")
    if raw is None:
        return None
    fields.rest["$toolConfig"] = raw
    rest = {camel(key): value for key, value in raw.items()}
    rest.pop("functionCallingConfig", None)
    if rest:
        fields.rest["toolConfig"] = rest
    return read_choice(raw)


def _validated(fields: Fields) -> dict[str, Any]:
    """That calls must match their schemas, which the canonical choice does not say."""
    config = {camel(key): value for key, value in fields.rest.get("$toolConfig", {}).items()}
    choice = config.get("functionCallingConfig") or {}
    return (
        {f"{NAME}.tool_choice": {"VALIDATED": True}}
        if str(choice.get("mode")).upper() == "VALIDATED"
        else {}
    )


def write_request(request: ChatRequest) -> Rendered:
    """The body of the equivalent request, and its losses."""
    losses: list[Loss] = []
    wire = write_chat(request, losses)
    losses += _lost_options(request)
    losses += foreign_losses(request)
    carry(wire, request.extensions)
    return Rendered(msgspec.json.encode(wire), tuple(losses))


def write_chat(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    """The canonical request as members of the body."""
    written = write_contents(request.messages, request.model, losses)
    wire: dict[str, Any] = {"contents": written.contents}
    if written.system is not None:
        wire["systemInstruction"] = written.system
    tools = write_tools(request, losses)
    if tools or "$tools" in request.extensions.get(NAME, {}):
        wire["tools"] = tools
    wire |= write_tool_config(request, losses)
    wire |= write_config(request, losses)
    wire |= _write_tier(request, losses)
    if request.store is not None and NAME in request.extensions:
        wire["store"] = request.store
    return wire


def _write_tier(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    tier = request.service_tier
    if tier is None or (NAME not in request.extensions and tier in ("auto", "default")):
        return {}
    if NAME in request.extensions or tier in _TIERS:
        return {"serviceTier": tier}
    losses.append(Loss("service_tier", "service_tier", "dropped", repr(tier)))
    return {}


def _lost_options(request: ChatRequest) -> list[Loss]:
    lost = {
        "logit_bias": request.logit_bias,
        "metadata": request.metadata,
        "user": request.user,
        "store": request.store and NAME not in request.extensions,
    }
    return [Loss(field, field, "dropped") for field, value in lost.items() if value]
