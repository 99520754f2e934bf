"""The dialect `openai.completions`: the legacy API that continues a text."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
)
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.json_spans import Path
from jackfield.losses import lost_part
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Opaque,
    Part,
    Text,
    answer_of,
    chat_of,
)

from .chat import ChunkedDialect
from .chat_options import read_options, write_options
from .chat_request import peek_model, take_stream
from .chat_response import finish_detail, now, read_finish, write_finish
from .chat_settings import INCLUDE_USAGE, STOP
from .completions_stream import NAME, CompletionsParser, CompletionsRenderer, new_id
from .losses import foreign_losses
from .usage import chunk_usage, write_usage

_OWN_FIELDS = ("suffix", "echo", "best_of", "logprobs")
"""Members without a chat equivalent; each becomes a part, which other dialects report."""
_FOREIGN_FIELDS = (
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "response_format",
    "reasoning",
    "modalities",
    "top_k",
    "logprobs",
    "top_logprobs",
    "metadata",
    "store",
    "service_tier",
)


class CompletionsDialect(ChunkedDialect):
    """Completions."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "completions"
    usage_switch: ClassVar[Path] = ("stream_options", "include_usage")
    output_limit: ClassVar[Path] = ("max_tokens",)
    request_texts: ClassVar[tuple[str, ...]] = ("prompt", "prompt/*", "suffix")
    response_texts: ClassVar[tuple[str, ...]] = ("choices/*/text",)
    event_texts: ClassVar[tuple[str, ...]] = ("choices/*/text",)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        fields = object_fields(tree)
        stream, tokens = bool(fields.flag("stream")), fields.integer("max_tokens")
        return Peek(peek_model(fields, params), stream, tokens)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        fields = object_fields(tree)
        prompt = _take_prompt(fields)
        parts: list[Part] = [Text(prompt), *_take_own(fields)]
        known = {key: value for key, value in read_options(fields).items() if key != "logprobs"}
        return ChatRequest(
            **known,
            model=peek_model(fields, params),
            messages=(Message("user", tuple(parts)),),
            max_tokens=fields.integer("max_tokens"),
            stop=STOP.take(fields.rest),
            stream=take_stream(fields),
            include_usage=INCLUDE_USAGE.take(fields.rest),
            extensions={NAME: fields.rest},
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        return _write_request(chat_of(request))

    def parse_response(self, body: bytes) -> ChatResponse:
        return _read_response(body)

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        return _write_response(answer_of(response), chat_of(request))

    def stream_parser(self) -> StreamParser:
        return CompletionsParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return CompletionsRenderer(chat_of(request))


def _take_prompt(fields: Fields) -> str:
    prompt = fields.rest.pop("prompt", None)
    if isinstance(prompt, str):
        return prompt
    if isinstance(prompt, list) and len(prompt) == 1 and isinstance(prompt[0], str):
        fields.rest["$prompt"] = "list"
        return prompt[0]
    raise InvalidRequest(
        "'prompt' must be one text: the provider of this model serves chats, to which several "
        "prompts or token ids cannot be translated.",
        param="prompt",
    )


def _take_own(fields: Fields) -> list[Opaque]:
    found = []
    for key in _OWN_FIELDS:
        if fields.rest.get(key) not in (None, False, ""):
            found.append(Opaque(NAME, key, fields.rest.pop(key)))
    return found


def _write_request(request: ChatRequest) -> Rendered:
    losses = [
        Loss(field, field, "dropped")
        for field in _FOREIGN_FIELDS
        if getattr(request, field) not in (None, (), False) and NAME not in request.extensions
    ]
    kept = own(request.extensions, NAME)
    texts = _prompt_texts(request, losses)
    prompt = "\n\n".join(texts)
    wire: dict[str, Any] = {
        "model": request.model,
        "prompt": [prompt] if kept.get("$prompt") == "list" else prompt,
    }
    wire.update(_own_fields(request))
    if request.max_tokens is not None:
        wire["max_tokens"] = request.max_tokens
    options = write_options(request)
    dropped = () if NAME in request.extensions else _FOREIGN_FIELDS
    wire.update({key: value for key, value in options.items() if key not in dropped})
    if request.stream or "$stream" in kept:
        wire["stream"] = request.stream
    wire |= STOP.put(request, losses, NAME) | INCLUDE_USAGE.put(request, losses, NAME)
    losses += foreign_losses(request, NAME)
    carry(wire, request.extensions, NAME)
    return Rendered(msgspec.json.encode(wire), tuple(losses))


def _prompt_texts(request: ChatRequest, losses: list[Loss]) -> list[str]:
    if len(request.messages) != 1 or request.messages[0].role != "user":
        detail = "the texts of all messages in one prompt"
        losses.append(Loss("messages.conversation", "messages", "approximated", detail))
    texts = []
    for i, message in enumerate(request.messages):
        for part in message.parts:
            if isinstance(part, Text):
                texts.append(part.text)
            elif not (isinstance(part, Opaque) and part.dialect == NAME):
                losses.append(lost_part(part, f"messages[{i}]", message.role))
    return texts


def _own_fields(request: ChatRequest) -> dict[str, Any]:
    parts = (part for message in request.messages for part in message.parts)
    return {p.kind: p.value for p in parts if isinstance(p, Opaque) and p.dialect == NAME}


def _read_response(body: bytes) -> ChatResponse:
    fields = Fields(json_object(body), strict=False)
    choices = fields.rest.pop("choices", None)
    if not isinstance(choices, list) or not all(isinstance(choice, dict) for choice in choices):
        raise ValueError("the response has no 'choices'")
    usage = chunk_usage(fields.rest)
    if isinstance(fields.rest.get("usage"), dict):
        del fields.rest["usage"]
    return ChatResponse(
        id=fields.text("id") or "",
        model=fields.text("model") or "",
        choices=tuple(_read_choice(wire, i) for i, wire in enumerate(choices)),
        usage=usage,
        created=fields.integer("created"),
        extensions={NAME: fields.rest},
    )


def _read_choice(wire: dict[str, Any], place: int) -> Choice:
    fields = Fields(wire, strict=False)
    text, word = fields.text("text"), fields.rest.pop("finish_reason", None)
    if fields.rest.get("index") == place:
        del fields.rest["index"]
    reason = read_finish(word, False)
    if reason != word:
        fields.rest["$finish_reason"] = word
    detail = finish_detail(word, reason)
    message = Message("assistant", (Text(text),) if text else ())
    return Choice(message, reason, detail, extensions=fields.extensions(NAME))


def _write_response(response: ChatResponse, request: ChatRequest) -> Rendered:
    losses: list[Loss] = []
    wire: dict[str, Any] = {
        "id": response.id or new_id(),
        "object": own(response.extensions, NAME).get("object", "text_completion"),
        "created": now() if response.created is None else response.created,
        "model": response.model or request.model,
        "choices": [_write_choice(choice, i, losses) for i, choice in enumerate(response.choices)],
    }
    if response.usage is not None:
        wire["usage"] = write_usage(response.usage)
    return Rendered(msgspec.json.encode(carry(wire, response.extensions, NAME)), tuple(losses))


def _write_choice(choice: Choice, place: int, losses: list[Loss]) -> dict[str, Any]:
    kept = own(choice.extensions, NAME)
    texts = [part.text for part in choice.message.parts if isinstance(part, Text)]
    for part in choice.message.parts:
        if not isinstance(part, Text):
            losses.append(lost_part(part, f"choices[{place}]", "assistant"))
        elif part.citations:
            losses.append(Loss("citations", f"choices[{place}]", "dropped"))
    tokens = choice.logprobs.get("content") if isinstance(choice.logprobs, dict) else None
    if tokens:
        losses.append(Loss("logprobs", f"choices[{place}]", "dropped"))
    word = kept.get("$finish_reason")
    wire: dict[str, Any] = {
        "text": "".join(texts),
        "index": kept.get("index", place),
        "logprobs": None,
        "finish_reason": write_finish(choice.finish_reason, word),
    }
    return carry(wire, choice.extensions, NAME)
