"""Reads and writes complete Converse requests."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield.dialects import Loss, Peek, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, object_fields, own
from jackfield.messages import ChatRequest

from .converse_block_writer import BlockWriter
from .converse_claude import document_details, write_betas
from .converse_losses import foreign_losses
from .converse_members import ADDITIONAL, Tree, merge
from .converse_messages import read_messages, read_system, write_messages
from .converse_names import NAME
from .converse_options import (
    FORMAT,
    TOP_K,
    read_inference,
    read_metadata,
    read_tier,
    write_format,
    write_inference,
    write_metadata,
    write_tier,
    write_top_k,
)
from .converse_reasoning import REASONING, write_reasoning
from .converse_sampling import allowed_sampling
from .converse_tools import read_tool_config, write_tool_config


def peek(tree: Any, params: Mapping[str, str]) -> Peek:
    """Model and output limit; the path names the model and says whether to stream."""
    fields = object_fields(tree)
    config = fields.rest.get("inferenceConfig")
    tokens = config.get("maxTokens") if isinstance(config, dict) else None
    if tokens is not None and type(tokens) is not int:
        raise fields.wrong("inferenceConfig.maxTokens", "an integer")
    return Peek(model_of(params), False, tokens)


def model_of(params: Mapping[str, str]) -> str:
    """The model in the path."""
    model = params.get("model")
    if not model:
        raise InvalidRequest("The path names no model.", param="modelId")
    return model


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """The canonical form of a request body."""
    return read_conversation(object_fields(tree), params)


def read_conversation(fields: Fields, params: Mapping[str, str]) -> ChatRequest:
    """The canonical form of a request's fields."""
    for key in (ADDITIONAL, "outputConfig"):
        if not isinstance(fields.rest.get(key), dict | None):
            raise fields.wrong(key, "an object")
    messages = (
        *read_system(fields),
        *read_messages(fields.rest.pop("messages", []), fields.where("messages")),
    )
    tools, choice = read_tool_config(fields)
    known = read_inference(fields)
    for member in (REASONING, FORMAT, TOP_K):
        known[member.field] = member.take(fields.rest)
    return ChatRequest(
        model=model_of(params),
        messages=messages,
        tools=tools,
        tool_choice=choice,
        service_tier=read_tier(fields),
        metadata=read_metadata(fields),
        include_usage=True,
        extensions={NAME: fields.rest, **document_details(messages)},
        **known,
    )


def write_request(request: ChatRequest) -> Rendered:
    """The body of the equivalent Converse request, and its losses."""
    losses: list[Loss] = []
    wire = write_conversation(request, losses)
    return Rendered(msgspec.json.encode(wire), tuple(losses))


def write_conversation(request: ChatRequest, losses: list[Loss]) -> Tree:
    """The body as a JSON value."""
    writer = BlockWriter(request.model, losses, is_own=NAME in request.extensions)
    system, messages = write_messages(request.messages, writer)
    wire: Tree = {"messages": messages} if messages or not own(request.extensions, NAME) else {}
    if system:
        wire["system"] = system
    reasoning = write_reasoning(request, losses)
    sampled = allowed_sampling(request, reasoning, losses)
    for piece in (
        write_inference(sampled),
        write_tool_config(request, losses),
        reasoning,
        write_betas(request),
        write_top_k(sampled, losses),
        write_format(request, losses),
        write_tier(request, losses),
        write_metadata(request, losses),
    ):
        merge(wire, piece)
    losses += foreign_losses(request)
    kept = own(request.extensions, NAME)
    merge(wire, {key: value for key, value in kept.items() if not key.startswith("$")})
    return wire
