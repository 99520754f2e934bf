"""Recorded traffic of Cohere and of OpenAI, translated into the other's dialect."""

from collections import Counter
from typing import Any

import msgspec
from cohere.core.http_sse._models import ServerSentEvent
from cohere.core.pydantic_utilities import parse_sse_obj
from cohere.types import (
    AssistantMessage,
    Citation,
    SystemMessageV2,
    ToolCallV2,
    ToolMessageV2,
    ToolV2,
    UserMessageV2,
)
from cohere.v2.types import V2ChatResponse, V2ChatStreamResponse
from tests.corpus import exchanges, needs_corpus
from tests.score.answer import Answer, arguments_of, count, id_problems
from tests.translations import check_translations

from jackfield import sse
from jackfield.dialects import installed
from jackfield_cohere.endpoints import CHAT as COHERE

pytestmark = needs_corpus
CHAT = installed("openai.chat")
STREAMED: Any = V2ChatStreamResponse
FINISHES = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR": "content_filter",
}


class CohereReader:
    """Reads answers with the types of Cohere's SDK."""

    DIALECT = COHERE.name

    def read(self, body: bytes) -> Answer:
        """A whole answer."""
        response = V2ChatResponse.model_validate_json(body)
        blocks: list[Any] = response.message.content or []
        called: list[Any] = response.message.tool_calls or []
        for citation in response.message.citations or ():
            Citation.model_validate(citation.model_dump())
        usage = msgspec.json.decode(body).get("usage") or {}
        return Answer(
            "".join(block.text for block in blocks if block.type == "text"),
            "".join(block.thinking for block in blocks if block.type == "thinking"),
            tuple((c.function.name, arguments_of(c.function.arguments)) for c in called),
            FINISHES[response.finish_reason],
            counted(usage),
            (*([] if response.id else ["no id"]), *id_problems([call.id for call in called])),
        )

    def read_stream(self, wire: bytes) -> Answer:
        """The message that a client puts together."""
        return self.read(final_message(wire))


def counted(usage: dict[str, Any]) -> dict[str, int]:
    tokens = usage.get("tokens") or {}
    return count(
        input=tokens.get("input_tokens"),
        output=tokens.get("output_tokens"),
        cached=usage.get("cached_tokens"),
        reasoning=tokens.get("reasoning_tokens"),
    )


test_chat_clients_read_coheres_answers = check_translations(
    "cohere.chat", "chat", losses=("citations",)
)
test_responses_clients_read_coheres_answers = check_translations(
    "cohere.chat", "responses", losses=("citations.document",)
)
test_coheres_sdk_reads_chat_completions = check_translations(
    "openai.chat",
    CohereReader(),
    losses=("n", "images.output", "finish_reason.content_filter"),
    harm=("audio", "refusals"),
    untold=("usage.audio_*", "usage.cache_write"),
)


def final_message(wire: bytes) -> bytes:
    """The message that a client of Cohere puts together, by the SDK's own types."""
    blocks: dict[int, dict[str, Any]] = {}
    calls: dict[int, dict[str, Any]] = {}
    body: dict[str, Any] = {"message": {"role": "assistant"}}
    for raw in sse.split(wire)[:-1]:
        data = (sse.data_of(raw) or b"").decode()
        event: Any = parse_sse_obj(ServerSentEvent(data=data), STREAMED)
        value = msgspec.json.decode(data)
        assert event.type == value["type"]
        add_to_message(event, value.get("delta") or {}, blocks, calls, body)
    assert wire.endswith(b"data: [DONE]\n\n")
    assert list(blocks) == list(range(len(blocks)))
    assert list(calls) == list(range(len(calls)))
    body["message"] |= {"content": list(blocks.values()), "tool_calls": list(calls.values())}
    return msgspec.json.encode(body)


def add_to_message(
    event: Any,
    delta: dict[str, Any],
    blocks: dict[int, dict[str, Any]],
    calls: dict[int, dict[str, Any]],
    body: dict[str, Any],
) -> None:
    inner = delta.get("message", {})
    match event.type:
        case "message-start":
            body["id"] = event.id
        case "content-start":
            blocks[event.index] = dict(inner["content"])
        case "content-delta":
            for key, text in inner["content"].items():
                blocks[event.index][key] = blocks[event.index].get(key, "") + text
        case "tool-call-start":
            calls[event.index] = inner["tool_calls"]
        case "tool-call-delta":
            more = event.delta.message.tool_calls.function.arguments
            calls[event.index]["function"]["arguments"] += more
        case "citation-start":
            body["message"].setdefault("citations", []).append(inner["citations"])
        case "message-end":
            body.update(delta)


_MESSAGES: dict[str, Any] = {
    "user": UserMessageV2,
    "assistant": AssistantMessage,
    "system": SystemMessageV2,
    "tool": ToolMessageV2,
}


def test_every_chat_request_can_be_sent_to_cohere() -> None:
    roles: Counter[str] = Counter()
    for exchange in exchanges("openai_chat"):
        if exchange.status != 200 or not isinstance(exchange.request_tree, dict):
            continue
        request = CHAT.parse_request(exchange.request_tree, {})
        rendered = COHERE.render_request(request)
        tree = msgspec.json.decode(rendered.body)
        for message in tree["messages"]:
            roles[message["role"]] += 1
            _MESSAGES[message["role"]].model_validate(message)
            for call in message.get("tool_calls", ()):
                ToolCallV2.model_validate(call)
        for tool in tree.get("tools", ()):
            ToolV2.model_validate(tool)
        assert tree.get("tool_choice", "NONE") in ("REQUIRED", "NONE")
    assert roles.keys() == _MESSAGES.keys()
