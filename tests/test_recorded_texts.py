"""Plugins see every text, and what is passed to tools, in recorded traffic of every dialect."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus
from tests.recordings import STREAMS, wire_of

from jackfield import Chunk, InvalidRequest
from jackfield.dialects import Dialect, installed
from jackfield.json_spans import TextSpan, texts
from jackfield.messages import Document, Part, Text, ToolCall, ToolResult, chat_of

pytestmark = needs_corpus

DIALECTS: Final = {
    "anthropic_messages": "anthropic.messages",
    "bedrock_converse": "bedrock.converse",
    "cohere_v2": "cohere.chat",
    "gemini": "gemini.generate_content",
    "ollama": "ollama.chat",
    "openai_chat": "openai.chat",
    "openai_responses": "openai.responses",
}
CHATS: Final = [exchange for dialect in DIALECTS for exchange in exchanges(dialect)]
CALLING: Final = [
    exchange
    for exchange in CHATS
    if exchange.expect.get("tool_calls") and not isinstance(exchange.response["body"], list)
]


def seen_in(exchange: Exchange, dialect: Dialect) -> list[TextSpan]:
    """What a plugin finds in an answer, whole or in the events of a stream."""
    wire = wire_of(exchange)
    if exchange.response["body_kind"] not in STREAMS:
        return texts(wire, dialect.response_tools)
    framer = dialect.framing.framer()
    events = dialect.framing.split(framer.feed(wire))
    return [span for one in events for span in Chunk(one, dialect).texts(tools=True)]


def said_in(part: Part) -> Iterator[str]:
    """The texts of a part of a message."""
    if isinstance(part, Text):
        yield part.text
    elif isinstance(part, Document):
        yield part.text or ""
    elif isinstance(part, ToolCall):
        yield from strings(decoded(part.arguments))
    elif isinstance(part, ToolResult):
        for inner in part.parts:
            for text in said_in(inner):
                yield from strings(decoded(text))


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from strings(inner)


def decoded(text: str) -> Any:
    """What a text stands for: vendors that have objects there get JSON in canonical form."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def missing(wanted: Iterator[str], spans: list[TextSpan]) -> list[str]:
    """The texts that are in none of the spans."""
    found = "".join(span.value for span in spans)
    forms = (
        (text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
        for text in wanted
    )
    return [each[0] for each in forms if not any(form in found for form in each)]


@pytest.mark.parametrize("exchange", CALLING, ids=lambda exchange: exchange.id)
def test_the_arguments_of_a_call_are_seen(exchange: Exchange) -> None:
    spans = seen_in(exchange, installed(DIALECTS[exchange.dialect]))
    arguments = [call.get("arguments") for call in exchange.expect["tool_calls"]]
    read = [decoded(each) if isinstance(each, str) else each for each in arguments]
    assert not missing(strings(read), spans)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_text_of_a_request_is_seen(dialect: str) -> None:
    kind = installed(DIALECTS[dialect])
    for exchange in exchanges(dialect):
        try:
            asked = chat_of(kind.parse_request(exchange.request_tree, {"model": "m"}))
        except InvalidRequest:
            continue
        body = json.dumps(exchange.request_tree).encode()
        spans = texts(body, kind.request_texts + kind.request_tools)
        parts = [part for message in asked.messages for part in message.parts]
        assert not missing((text for one in parts for text in said_in(one)), spans), exchange.id
