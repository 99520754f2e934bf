"""The dialects `bedrock.command` and `bedrock.command_r`: Cohere's Command by InvokeModel."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

import msgspec

from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UsageMeter,
)
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, json_object, object_fields
from jackfield.framing import Framing
from jackfield.json_spans import Path
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Role,
    Text,
    Usage,
    answer_of,
    chat_of,
)

from .command_finish import read_finish, write_finish
from .command_stream import CommandStreamParser, CommandStreamRenderer
from .converse_losses import foreign_losses
from .converse_request import model_of
from .dialect import BedrockDialect
from .event_stream import decode
from .event_stream_framing import CHUNKS, unwrap
from .invoke_usage import usage_of_any
from .prompts import prompt_of, text_of
from .usage import EventMeter

_NUMBERS: Final = {
    "temperature": "temperature",
    "p": "top_p",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
}
_INTEGERS: Final = {"max_tokens": "max_tokens", "k": "top_k", "seed": "seed"}
_TAKEN: Final = frozenset({"seed", "penalties"})
_ROLES: Final[Mapping[str, Role]] = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system"}
_SPEAKERS: Final = {"user": "USER", "tool": "USER", "assistant": "CHATBOT"}


class CommandDialect(BedrockDialect):
    """Command: one text in, one text out."""

    name: ClassVar[str] = "bedrock.command"
    operation: ClassVar[str] = "chat"
    output_limit: ClassVar[Path] = ("max_tokens",)
    framing: Framing = CHUNKS
    request_texts: ClassVar[tuple[str, ...]] = ("prompt",)
    response_texts: ClassVar[tuple[str, ...]] = ("generations/*/text",)
    event_texts: ClassVar[tuple[str, ...]] = ("text",)
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b":message-type",)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        tokens = object_fields(tree).rest.get("max_tokens")
        return Peek(model_of(params), False, tokens if type(tokens) is int else None)

    def terminal(self, event: bytes) -> Terminal | None:
        message = decode(event)
        if message.is_error:
            return "error"
        data = unwrap(message.payload) or b""
        return "end" if b'"is_finished"' in data and _is_last(data) else None

    def usage(self, body: bytes) -> Usage | None:
        return self.parse_response(body).usage

    def usage_meter(self) -> UsageMeter:
        return EventMeter(self.framing, usage_of_any)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        fields = object_fields(tree)
        stop = fields.items("stop_sequences")
        if not all(isinstance(word, str) for word in stop):
            raise fields.wrong("stop_sequences", "an array of strings")
        messages = self._messages(fields)
        known: dict[str, Any] = {
            **{field: fields.number(key) for key, field in _NUMBERS.items()},
            **{field: fields.integer(key) for key, field in _INTEGERS.items()},
        }
        return ChatRequest(
            model_of(params),
            messages,
            stop=tuple(stop),
            include_usage=True,
            extensions={self.name: fields.rest},
            **known,
        )

    def _messages(self, fields: Fields) -> tuple[Message, ...]:
        return (Message("user", (Text(fields.needed_text("prompt")),)),)

    def render_request(self, request: CanonicalRequest) -> Rendered:
        chat, losses = chat_of(request), list[Loss]()
        wire = self._write_messages(chat, losses)
        for key, field in {**_NUMBERS, **_INTEGERS}.items():
            if getattr(chat, field) is not None:
                wire[key] = getattr(chat, field)
        if chat.stop:
            wire["stop_sequences"] = list(chat.stop)
        if chat.tools:
            losses.append(Loss("tools", "tools", "dropped", breaks=True))
        if self.name not in chat.extensions:
            losses += [loss for loss in foreign_losses(chat) if loss.feature not in _TAKEN]
        return Rendered(msgspec.json.encode(carry(wire, chat.extensions, self.name)), tuple(losses))

    def _write_messages(self, chat: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
        return {"prompt": prompt_of(chat.messages, losses, "Chatbot: ")}

    def parse_response(self, body: bytes) -> ChatResponse:
        fields = Fields(json_object(body), strict=False)
        generations = fields.rest.pop("generations", None)
        if not isinstance(generations, list) or not all(
            isinstance(one, dict) for one in generations
        ):
            raise ValueError("the response has no 'generations'")
        usage = usage_of_any(fields.rest)
        choices = tuple(self._choice(Fields(one, strict=False)) for one in generations)
        identity = fields.text("id") or ""
        return ChatResponse(identity, "", choices, usage, extensions={self.name: fields.rest})

    def _choice(self, fields: Fields) -> Choice:
        text, word = fields.rest.pop("text", None), fields.text("finish_reason")
        if not isinstance(text, str):
            raise ValueError("the response has no 'text'")
        message = Message("assistant", (Text(text),))
        return Choice(message, read_finish(word), word, extensions=fields.extensions(self.name))

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        answer, losses = answer_of(response), list[Loss]()
        wire = self._write_answer(answer, chat_of(request), losses)
        return Rendered(
            msgspec.json.encode(carry(wire, answer.extensions, self.name)), tuple(losses)
        )

    def _write_answer(
        self, answer: ChatResponse, request: ChatRequest, losses: list[Loss]
    ) -> dict[str, Any]:
        generations = [
            self._write_generation(choice, f"choices[{i}]", losses)
            for i, choice in enumerate(answer.choices)
        ]
        wire: dict[str, Any] = {"id": answer.id, "generations": generations}
        if self.name not in answer.extensions:
            wire["prompt"] = prompt_of(request.messages, [], "Chatbot: ")
        return wire

    def _write_generation(self, choice: Choice, path: str, losses: list[Loss]) -> dict[str, Any]:
        wire: dict[str, Any] = {"text": text_of(choice.message, path, losses)}
        if choice.finish_reason is not None:
            wire["finish_reason"] = write_finish(choice.finish_reason, choice.finish_detail)
        return carry(wire, choice.extensions, self.name)

    def stream_parser(self) -> StreamParser:
        return CommandStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return CommandStreamRenderer()


class CommandRDialect(CommandDialect):
    """Command R: a conversation with the last message apart. Its tools are not parsed."""

    name: ClassVar[str] = "bedrock.command_r"
    request_texts: ClassVar[tuple[str, ...]] = (
        "message",
        "preamble",
        "chat_history/*/message",
    )
    response_texts: ClassVar[tuple[str, ...]] = ("text",)

    def _messages(self, fields: Fields) -> tuple[Message, ...]:
        preamble = fields.text("preamble")
        first = (Message("system", (Text(preamble),)),) if preamble else ()
        turns = [_read_turn(turn, i) for i, turn in enumerate(fields.items("chat_history"))]
        return (*first, *turns, Message("user", (Text(fields.needed_text("message")),)))

    def _write_messages(self, chat: ChatRequest, losses: list[Loss]) -> dict[str, Any]:
        system = [m for m in chat.messages if m.role in ("system", "developer")]
        turns = [m for m in chat.messages if m not in system]
        texts = [text_of(message, f"messages[{i}]", losses) for i, message in enumerate(turns)]
        wire: dict[str, Any] = {"message": texts[-1] if texts else ""}
        if system:
            wire["preamble"] = "\n\n".join(text_of(m, "messages[0]", losses) for m in system)
        if len(turns) > 1:
            earlier = zip(turns[:-1], texts[:-1], strict=True)
            wire["chat_history"] = [
                {"role": _SPEAKERS.get(message.role, "USER"), "message": text}
                for message, text in earlier
            ]
        return wire

    def parse_response(self, body: bytes) -> ChatResponse:
        fields = Fields(json_object(body), strict=False)
        usage = usage_of_any(fields.rest)
        identity, rest = fields.text("response_id") or "", dict(fields.rest)
        members: dict[str, Any] = {
            key: rest.pop(key) for key in ("text", "finish_reason") if key in rest
        }
        choice = self._choice(Fields(members, strict=False))
        return ChatResponse(identity, "", (choice,), usage, extensions={self.name: rest})

    def _write_answer(
        self, answer: ChatResponse, request: ChatRequest, losses: list[Loss]
    ) -> dict[str, Any]:
        if not answer.choices:
            raise ValueError("the answer has no choice")
        wire = {
            "response_id": answer.id,
            **self._write_generation(answer.choices[0], "choices[0]", losses),
        }
        if self.name not in answer.extensions:
            wire["generation_id"] = answer.id
        return wire


def _is_last(data: bytes) -> bool:
    try:
        chunk = msgspec.json.decode(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(chunk, dict) and chunk.get("is_finished") is True


def _read_turn(turn: Any, place: int) -> Message:
    role = turn.get("role") if isinstance(turn, dict) else None
    text = turn.get("message") if isinstance(turn, dict) else None
    where = f"chat_history[{place}]"
    if not isinstance(role, str) or role not in _ROLES or not isinstance(text, str):
        raise InvalidRequest(
            f"'{where}' must have a role of {', '.join(_ROLES)} and a message.", param=where
        )
    return Message(_ROLES[role], (Text(text),))
