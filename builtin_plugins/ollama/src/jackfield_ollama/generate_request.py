"""Reads and writes generation requests: a prompt as a conversation of one turn."""

from typing import Any

import msgspec

from jackfield.dialects import Loss, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, object_fields
from jackfield.losses import lost_part
from jackfield.messages import ChatRequest, Message, Opaque, Part, Text

from .images import read_images
from .losses import request_losses
from .message_writer import write_parts
from .options import take_options, write_options
from .tools import write_tools

NAME = "ollama.generate"
_OWN_FIELDS = ("suffix", "template", "raw")
"""Fields that change the request, so other dialects report them as lost."""


def read_generate(tree: Any) -> ChatRequest:
    """The canonical form of a request body."""
    fields = object_fields(tree)
    system = fields.text("system")
    parts = _take_prompt(fields)
    if not parts:
        raise InvalidRequest(
            "'prompt' is empty, which loads or unloads a model in Ollama; this model has"
            " another provider.",
            param="prompt",
        )
    messages = [Message("system", (Text(system),))] if system is not None else []
    messages.append(Message("user", tuple(parts)))
    return ChatRequest(
        model=fields.text("model") or "",
        messages=tuple(messages),
        **take_options(fields),
        server_state="context" if fields.rest.get("context") else None,
        extensions={NAME: fields.rest},
    )


def _take_prompt(fields: Fields) -> list[Part]:
    prompt = fields.text("prompt")
    parts: list[Part] = [Text(prompt)] if prompt is not None else []
    parts += read_images(fields)
    for key in _OWN_FIELDS:
        if fields.rest.get(key) not in (None, False, ""):
            parts.append(Opaque(NAME, key, fields.rest.pop(key)))
    return parts


def write_generate(request: ChatRequest) -> Rendered:
    """The body of the equivalent request with one prompt, and its losses."""
    losses: list[Loss] = []
    wire: dict[str, Any] = {"model": request.model, **_write_prompt(request, losses)}
    if write_tools(request, losses):
        losses.append(Loss("tools", "tools", "dropped", "a prompt has no tools"))
    wire |= write_options(request, NAME, losses)
    losses += request_losses(request, NAME)
    carry(wire, request.extensions, NAME)
    return Rendered(msgspec.json.encode(wire), tuple(losses))


def _write_prompt(request: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
    messages = list(request.messages)
    wire: dict[str, Any] = {}
    if messages and messages[0].role in ("system", "developer"):
        system = write_parts(messages.pop(0).parts, "messages[0]", losses, "system", between="\n\n")
        wire["system"] = system["content"]
    if len(messages) != 1 or messages[0].role != "user":
        detail = "the texts of all messages in one prompt"
        losses.append(Loss("messages.conversation", "messages", "approximated", detail))
    parts = [(message.role, part) for message in messages for part in message.parts]
    own_parts = [part for _, part in parts if _is_own(part)]
    losses += [
        lost_part(part, "messages", role)
        for role, part in parts
        if isinstance(part, Opaque) and not _is_own(part)
    ]
    others = [part for _, part in parts if not isinstance(part, Opaque)]
    prompt = write_parts(others, "messages", losses, "user", between="\n\n")
    if prompt["content"]:
        wire["prompt"] = prompt["content"]
    if "images" in prompt:
        wire["images"] = prompt["images"]
    for key in prompt.keys() & {"thinking", "tool_calls"}:
        losses.append(Loss(f"messages.{key}", "messages", "dropped"))
    return wire | {part.kind: part.value for part in own_parts if isinstance(part, Opaque)}


def _is_own(part: Part) -> bool:
    return isinstance(part, Opaque) and part.dialect == NAME
