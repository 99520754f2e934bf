"""The dialect `bedrock.titan`: Titan Text by InvokeModel, which continues a text."""

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
from jackfield.fields import Fields, carry, json_object, object_fields, own
from jackfield.framing import Framing
from jackfield.json_spans import Path
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Text,
    Usage,
    answer_of,
    chat_of,
)

from .converse_losses import foreign_losses
from .converse_request import model_of
from .dialect import BedrockDialect
from .event_stream import decode
from .event_stream_framing import CHUNKS, unwrap
from .prompts import prompt_of, text_of
from .titan_finish import read_finish, write_finish
from .titan_stream import TitanStreamParser, TitanStreamRenderer, is_last, usage_of_chunk
from .usage import EventMeter, count_of

NAME: Final = "bedrock.titan"
_CONFIG: Final = "textGenerationConfig"


class TitanDialect(BedrockDialect):
    """Titan Text: one text in, one text out; a conversation has the form that AWS documents."""

    name: ClassVar[str] = NAME
    operation: ClassVar[str] = "chat"
    output_limit: ClassVar[Path] = ("textGenerationConfig", "maxTokenCount")
    framing: Framing = CHUNKS
    request_texts: ClassVar[tuple[str, ...]] = ("inputText",)
    response_texts: ClassVar[tuple[str, ...]] = ("results/*/outputText",)
    event_texts: ClassVar[tuple[str, ...]] = ("outputText",)
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b":message-type",)

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        config = object_fields(tree).rest.get(_CONFIG)
        tokens = config.get("maxTokenCount") if isinstance(config, dict) else None
        return Peek(model_of(params), False, tokens if type(tokens) is int else None)

    def terminal(self, event: bytes) -> Terminal | None:
        """The last chunk has the answer's token count; an error is an exception."""
        message = decode(event)
        if message.is_error:
            return "error"
        return "end" if is_last(unwrap(message.payload) or b"") else None

    def usage(self, body: bytes) -> Usage | None:
        return self.parse_response(body).usage

    def usage_meter(self) -> UsageMeter:
        return EventMeter(self.framing, usage_of_chunk)

    def parse_request(self, tree: Any, params: Mapping[str, str]) -> ChatRequest:
        fields = object_fields(tree)
        text = fields.needed_text("inputText")
        inner = Fields(fields.table(_CONFIG) or {}, _CONFIG)
        stop = inner.items("stopSequences")
        if not all(isinstance(word, str) for word in stop):
            raise inner.wrong("stopSequences", "an array of strings")
        known: dict[str, Any] = {
            "max_tokens": inner.integer("maxTokenCount"),
            "temperature": inner.number("temperature"),
            "top_p": inner.number("topP"),
        }
        if inner.rest:
            fields.rest[_CONFIG] = inner.rest
        return ChatRequest(
            model_of(params),
            (Message("user", (Text(text),), extensions={NAME: {"$whole": True}}),),
            stop=tuple(stop),
            include_usage=True,
            extensions={NAME: fields.rest},
            **known,
        )

    def render_request(self, request: CanonicalRequest) -> Rendered:
        chat, losses = chat_of(request), list[Loss]()
        config = {
            "maxTokenCount": chat.max_tokens,
            "temperature": chat.temperature,
            "topP": chat.top_p,
            "stopSequences": list(chat.stop) or None,
        }
        found = {key: value for key, value in config.items() if value is not None}
        found = {**(own(chat.extensions, NAME).get(_CONFIG) or {}), **found}
        wire: dict[str, Any] = {"inputText": prompt_of(chat.messages, losses, "Bot: ")}
        if found:
            wire[_CONFIG] = found
        if chat.tools:
            losses.append(Loss("tools", "tools", "dropped", "Titan calls no tools", breaks=True))
        if NAME not in chat.extensions:
            losses += foreign_losses(chat)
        return Rendered(msgspec.json.encode(carry(wire, chat.extensions, NAME)), tuple(losses))

    def parse_response(self, body: bytes) -> ChatResponse:
        fields = Fields(json_object(body), strict=False)
        results = fields.rest.pop("results", None)
        if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
            raise ValueError("the response has no 'results'")
        usage = Usage(
            count_of(fields.rest, "inputTextTokenCount"),
            sum(count_of(result, "tokenCount") for result in results),
            extensions={NAME: {"$counts": _counts(fields.rest, results)}},
        )
        fields.rest.pop("inputTextTokenCount", None)
        return ChatResponse(
            "", "", tuple(map(_read_result, results)), usage, extensions={NAME: fields.rest}
        )

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        answer, losses = answer_of(response), list[Loss]()
        usage = answer.usage or Usage()
        counts = own(usage.extensions, NAME).get("$counts")
        results = []
        for i, choice in enumerate(answer.choices):
            each = counts["each"][i] if counts else usage.output_tokens
            wire = {} if each is None else {"tokenCount": each}
            wire["outputText"] = text_of(choice.message, f"choices[{i}]", losses)
            wire["completionReason"] = write_finish(choice.finish_reason, choice.finish_detail)
            results.append(carry(wire, choice.extensions, NAME))
        given = counts["input"] if counts else usage.input_tokens
        body = {"inputTextTokenCount": given, "results": results}
        return Rendered(msgspec.json.encode(carry(body, answer.extensions, NAME)), tuple(losses))

    def stream_parser(self) -> StreamParser:
        return TitanStreamParser()

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return TitanStreamRenderer()


def _counts(tree: Mapping[str, Any], results: list[dict[str, Any]]) -> dict[str, Any]:
    each = [result.get("tokenCount") for result in results]
    return {"input": tree.get("inputTextTokenCount"), "each": each}


def _read_result(result: dict[str, Any]) -> Choice:
    fields = Fields(result, strict=False)
    fields.rest.pop("tokenCount", None)
    text, word = fields.rest.pop("outputText", ""), fields.text("completionReason")
    parts = (Text(text),) if isinstance(text, str) else ()
    reason = read_finish(word)
    return Choice(Message("assistant", parts), reason, word, extensions=fields.extensions(NAME))
