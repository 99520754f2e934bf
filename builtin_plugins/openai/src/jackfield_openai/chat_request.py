"""Reads and writes complete chat requests."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.dialects import Loss, Peek, Rendered
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, object_fields, taken_text
from jackfield.messages import ChatRequest, Message

from .call_ids import shorten_in_chat
from .chat_details import read_details
from .chat_message_reader import read_messages
from .chat_message_writer import write_messages
from .chat_options import OPTIONS, Reader, write_options
from .chat_parts import NAME
from .chat_settings import SHAPES, Shape, is_shaped
from .chat_tools import read_tools, write_tools
from .foreign_settings import fit_settings, modality_losses
from .losses import foreign_losses
from .shared_members import OF_MISTRAL, shared
from .strict_schemas import enforced_tools

_encode = msgspec.json.Encoder().encode
_LIMITS: Final = ("max_completion_tokens", "max_tokens")
"""The names of the output limit, by precedence."""


def peek_chat(tree: Any, params: Mapping[str, str]) -> Peek:
    """The parts of a chat request that the kernel needs."""
    if type(tree) is dict:
        model, stream = tree.get("model"), tree.get("stream", False)
        tokens = tree.get("max_completion_tokens", tree.get("max_tokens"))
        usual = type(model) is str and type(stream) is bool and type(tree.get("messages")) is list
        if usual and model and (tokens is None or type(tokens) is int):
            return Peek(model, stream, tokens)
    # It is unusual or invalid; the full reader raises the precise error.
    fields = object_fields(tree)
    if not isinstance(tree.get("messages"), list):
        raise fields.wrong("messages", "an array")
    tokens = fields.integer("max_completion_tokens")
    tokens = fields.integer("max_tokens") if tokens is None else tokens
    return Peek(peek_model(fields, params), bool(fields.flag("stream")), tokens)


def peek_model(fields: Fields, params: Mapping[str, str]) -> str:
    """The model named in a request's body, or in its path as with Azure."""
    model = fields.text("model") or params.get("model")
    if not model:
        raise InvalidRequest("The request names no model: set 'model'.", param="model")
    return model


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """The canonical form of a request body."""
    fields = object_fields(tree)
    rest, unusual = fields.rest, list[Message]()
    known: dict[str, Any] = {
        "model": taken_text(rest, "model") or peek_model(fields, params),
        "messages": read_messages(rest.pop("messages", None), unusual),
    }
    for key in tuple(rest):
        member = _MEMBERS.get(key)
        if member is None:
            continue
        name, read = member
        if name not in known:
            known[name] = read(fields, key)
    known["extensions"] = {NAME: rest, **read_details(unusual, known.get("tools", ()))}
    return ChatRequest(**known)


def take_stream(fields: Fields, key: str = "stream") -> bool:
    """Whether a stream is requested. An explicit `false` is recorded."""
    stream = fields.flag(key)
    if stream is False:
        fields.rest["$stream"] = False
    return bool(stream)


def _take_max_tokens(fields: Fields, _: str) -> int | None:
    rest = fields.rest
    for key in _LIMITS:
        if key in rest:
            tokens = fields.integer(key)
            if tokens is not None:
                rest["$max_tokens"] = key
                return tokens
    return None


def _take_modalities(fields: Fields, key: str) -> tuple[str, ...]:
    words = fields.items(key)
    if not all(isinstance(word, str) for word in words):
        raise fields.wrong(key, "an array of strings")
    if "audio" in words and "audio" in fields.rest:
        # Voice and format are lost with the speech, not separately.
        fields.rest["$audio"] = fields.rest.pop("audio")
    return tuple(words)


def _of_shape(shape: Shape) -> Reader:
    return lambda fields, _: shape.take(fields.rest)


_MEMBERS: Final[Mapping[str, tuple[str, Reader]]] = {
    **{key: (key, read) for key, read in OPTIONS.items()},
    **{key: (shape.field, _of_shape(shape)) for shape in SHAPES for key in shape.keys},
    **dict.fromkeys(_LIMITS, ("max_tokens", _take_max_tokens)),
    **dict.fromkeys(("tools", "functions"), ("tools", read_tools)),
    "modalities": ("modalities", _take_modalities),
    "stream": ("stream", take_stream),
}
"""The members of a body, each with its canonical field and parser."""


def write_request(request: ChatRequest) -> Rendered:
    """The body of the equivalent chat request, and its losses."""
    losses: list[Loss] = []
    own = request.extensions.get(NAME)
    kept = own or {}
    wire: dict[str, Any] = {
        "model": request.model,
        "messages": write_messages(request.messages, losses),
    }
    if request.max_tokens is not None:
        wire[kept.get("$max_tokens", "max_completion_tokens")] = request.max_tokens
    wire.update(write_options(request))
    if request.top_k is not None:
        _write_top_k(request, wire, losses)
    if request.tools:
        wire.update(write_tools(enforced_tools(request, losses), losses))
    if request.stream or "$stream" in kept:
        wire["stream"] = request.stream
    if kept or is_shaped(request):
        for shape in SHAPES:
            wire.update(shape.put(request, losses))
    if request.extensions.keys() != {NAME} and _is_foreign(request):
        _adapt(request, wire, losses)
    if own is not None and request.modalities:
        wire["modalities"] = list(request.modalities)
        if "$audio" in kept:
            wire["audio"] = kept["$audio"]
    known = (*kept, *OF_MISTRAL, "text")  # of `text`, `verbosity` is in `kept`
    losses += foreign_losses(request, NAME, known)
    carry(wire, request.extensions, NAME)
    return Rendered(_encode(wire), tuple(losses))


def _is_foreign(request: ChatRequest) -> bool:
    names = request.extensions.keys()
    return NAME not in names or not all(name.startswith(NAME) for name in names)


def _adapt(request: ChatRequest, wire: dict[str, Any], losses: list[Loss]) -> None:
    """Make a request of another dialect acceptable to OpenAI. It may share members with chat."""
    shorten_in_chat(wire["messages"])
    if NAME not in request.extensions:
        wire.update(shared(request.extensions, OF_MISTRAL))
        fit_settings(wire, request.model, losses)
        # Speech requires a voice and a format, which only this dialect has.
        losses += modality_losses(request.modalities)


def _write_top_k(request: ChatRequest, wire: dict[str, Any], losses: list[Loss]) -> None:
    # OpenAI refuses top_k; many compatible servers accept it, and their clients send it.
    if NAME in request.extensions:
        wire["top_k"] = request.top_k
    else:
        losses.append(Loss("top_k", "top_k", "dropped"))
