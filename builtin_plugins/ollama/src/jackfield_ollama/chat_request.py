"""Reads and writes complete chat requests."""

from typing import Any

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.fields import carry, object_fields
from jackfield.messages import ChatRequest

from .losses import request_losses
from .message_reader import read_messages
from .message_writer import write_messages
from .options import take_options, write_options
from .tools import NAME, read_tools, write_tools


def read_chat(tree: Any) -> ChatRequest:
    """The canonical form of a request body."""
    fields = object_fields(tree)
    messages = read_messages(fields.rest.pop("messages", None))
    known = take_options(fields)
    tools = read_tools(fields)
    model = fields.text("model") or ""
    return ChatRequest(model, messages, tools, **known, extensions={NAME: fields.rest})


def write_chat(request: ChatRequest) -> Rendered:
    """The body of the equivalent Ollama request, and its losses."""
    losses: list[Loss] = []
    wire: dict[str, Any] = {
        "model": request.model,
        "messages": write_messages(request.messages, losses),
    }
    tools = write_tools(request, losses)
    if tools:
        wire["tools"] = tools
    wire |= write_options(request, NAME, losses)
    losses += request_losses(request, NAME)
    carry(wire, request.extensions, NAME)
    return Rendered(msgspec.json.encode(wire), tuple(losses))
