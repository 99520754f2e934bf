"""Recorded answers, read by the official SDK of a client that speaks another vendor's dialect."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message as AnthropicMessage
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, Loss, installed
from jackfield.events import Failed
from jackfield.messages import ChatRequest
from jackfield_anthropic.endpoints import MESSAGES

pytestmark = [needs_corpus, pytest.mark.filterwarnings("ignore:Pydantic serializer")]
CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
HI = [{"role": "user", "content": "hi"}]
ASKED: dict[str, Any] = {
    CHAT.name: {
        "model": "m",
        "messages": HI,
        "stream": True,
        "stream_options": {"include_usage": True},
    },
    RESPONSES.name: {"model": "m", "input": HI, "stream": True},
    MESSAGES.name: {"model": "m", "messages": HI, "stream": True, "max_tokens": 9},
}
Answer = tuple[str, str, list[tuple[str, Any]]]

UNLIKE_EXPECTED = {
    # A block of a message's content_list without a tool is no call, and thinking is no text.
    *("snowflake-chat-0d0f65c84d", "snowflake-chat-329547dd62", "snowflake-chat-7b9570e78b"),
    *("snowflake-chat-882f030fe1", "snowflake-chat-8fb72324b3", "snowflake-chat-stream-41abd0e356"),
}
FINISHES = {
    "end_turn": "stop",
    "pause_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
}


def asked(dialect: Dialect) -> ChatRequest:
    request = dialect.parse_request(ASKED[dialect.name], {})
    assert isinstance(request, ChatRequest)
    return request


def answered(dialect: str, operation: str) -> Iterator[Exchange]:
    for exchange in exchanges(dialect, operation):
        if exchange.status == 200 and exchange.expect and exchange.id not in UNLIKE_EXPECTED:
            yield exchange


def value_of(arguments: Any) -> Any:
    try:
        return msgspec.json.decode(arguments or "{}") if isinstance(arguments, str) else arguments
    except msgspec.DecodeError:
        return arguments


def expected(exchange: Exchange) -> Answer:
    calls = [(call["name"], value_of(call["arguments"])) for call in exchange.expect["tool_calls"]]
    return squeezed((exchange.expect["text"], exchange.expect["reasoning"], calls))


def squeezed(answer: Answer) -> Answer:
    """Without the blank lines between several thoughts, which are no part of what was thought."""
    return answer[0], answer[1].replace("\n", ""), answer[2]


def read_chat(body: dict[str, Any]) -> tuple[Answer, str, tuple[int, ...]]:
    read = ChatCompletion.model_validate(body)
    message = body["choices"][0]["message"]
    calls = [
        (call["function"]["name"], value_of(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    ]
    ids = [call["id"] for call in message.get("tool_calls") or ()]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    text, thought = message.get("content") or "", message.get("reasoning_content") or ""
    usage = read.usage
    assert usage is not None
    inputs, outputs = usage.prompt_tokens_details, usage.completion_tokens_details
    assert inputs is not None
    assert outputs is not None
    counts = (
        usage.prompt_tokens,
        usage.completion_tokens,
        inputs.cached_tokens or 0,
        outputs.reasoning_tokens or 0,
    )
    return squeezed((text, thought, calls)), read.choices[0].finish_reason, counts


def read_responses(body: dict[str, Any]) -> tuple[Answer, str, tuple[int, ...]]:
    read = Response.model_validate(body)
    text = thought = ""
    calls = []
    for item in body["output"]:
        blocks = [*(item.get("content") or ()), *(item.get("summary") or ())]
        if item["type"] == "message":
            text += "".join(block.get("text", "") for block in blocks)
        elif item["type"] == "reasoning":
            thought += "".join(block["text"] for block in blocks)
        elif item["type"] == "function_call":
            calls.append((item["name"], value_of(item["arguments"])))
    usage = read.usage
    assert usage is not None
    counts = (
        usage.input_tokens,
        usage.output_tokens,
        usage.input_tokens_details.cached_tokens,
        usage.output_tokens_details.reasoning_tokens,
    )
    return squeezed((text, thought, calls)), str(read.status), counts


def read_messages(body: dict[str, Any]) -> tuple[Answer, str, tuple[int, ...]]:
    read = AnthropicMessage.model_validate(body)
    text = "".join(block.text for block in read.content if block.type == "text")
    thought = "".join(block.thinking for block in read.content if block.type == "thinking")
    uses = [block for block in read.content if block.type == "tool_use"]
    assert all(use.id for use in uses)
    assert len({use.id for use in uses}) == len(uses)
    usage = read.usage
    cached, written = usage.cache_read_input_tokens or 0, usage.cache_creation_input_tokens or 0
    details = usage.output_tokens_details
    counts = (
        usage.input_tokens + cached + written,
        usage.output_tokens,
        cached,
        details.thinking_tokens if details else 0,
    )
    calls = [(use.name, use.input) for use in uses]
    return squeezed((text, thought, calls)), str(read.stop_reason), counts


def through(exchange: Exchange, source: Dialect, target: Dialect) -> tuple[bytes, list[Loss]]:
    parser, renderer = source.stream_parser(), target.stream_renderer(asked(target))
    events = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
    wire = b"".join(renderer.render(event) for event in (*events, *parser.close()))
    return wire, list(renderer.losses)


def datas(wire: bytes) -> list[Any]:
    found = (sse.data_of(event) or b"" for event in sse.split(wire))
    return [msgspec.json.decode(data) for data in found if data != b"[DONE]"]


def assembled_chat(wire: bytes) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": ""}
    calls: list[dict[str, Any]] = []
    body: dict[str, Any] = {}
    finish = None
    for body in datas(wire):
        ChatCompletionChunk.model_validate(body)
        for choice in body["choices"]:
            finish = choice["finish_reason"] or finish
            for key in ("content", "reasoning_content"):
                message[key] += choice["delta"].get(key) or ""
            for call in choice["delta"].get("tool_calls") or ():
                if call["index"] == len(calls):
                    calls.append(call)
                else:
                    inner = calls[call["index"]]["function"]
                    inner["arguments"] += call["function"]["arguments"]
    message["tool_calls"] = calls or None
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    return {**body, "object": "chat.completion", "choices": choices}


def assembled_response(wire: bytes) -> dict[str, Any]:
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for value in datas(wire):
        state.handle_event(construct_type(type_=ResponseStreamEvent, value=value))
    final: dict[str, Any] = datas(wire)[-1]["response"]
    return final


def assembled_message(wire: bytes) -> dict[str, Any]:
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    opened: list[int] = []
    for value in datas(wire):
        if value["type"] == "content_block_start":
            opened.append(value["index"])
        elif value["type"] == "content_block_delta":
            assert opened[-1] == value["index"]
        if value["type"] != "message_stop":
            snapshot = accumulate_event(event=value, current_snapshot=snapshot, json_bufs=buffers)
    assert opened == list(range(len(opened)))
    body: dict[str, Any] = snapshot.to_dict()
    return body


READERS: dict[str, Any] = {
    CHAT.name: (read_chat, assembled_chat),
    RESPONSES.name: (read_responses, assembled_response),
    MESSAGES.name: (read_messages, assembled_message),
}


def counted(exchange: Exchange) -> tuple[int, ...]:
    usage = exchange.expect["usage"]
    cached = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    thought = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
    return (usage["input_tokens"] + cached + written, usage["output_tokens"], cached, thought)


@pytest.mark.parametrize("target", [CHAT, RESPONSES], ids=lambda dialect: str(dialect.name))
def test_every_answer_is_read_by_openais_sdk(target: Dialect) -> None:
    lost: Counter[str] = Counter()
    for exchange in answered("anthropic_messages", "messages"):
        rendered = target.render_response(MESSAGES.parse_response(exchange.body), asked(target))
        lost.update({loss.feature for loss in rendered.losses})
        answer, finish, counts = READERS[target.name][0](json.loads(rendered.body))
        assert answer == expected(exchange), exchange.id
        assert counts == counted(exchange), exchange.id
        if target is CHAT:
            assert finish == FINISHES[exchange.expect["finish"]], exchange.id
    assert all(name.startswith(("messages.", "citations", "reasoning.")) for name in lost), lost


@pytest.mark.parametrize("target", [CHAT, RESPONSES], ids=lambda dialect: str(dialect.name))
def test_every_stream_is_read_by_openais_sdk(target: Dialect) -> None:
    for exchange in answered("anthropic_messages", "messages_stream"):
        wire, _ = through(exchange, MESSAGES, target)
        answer, finish, counts = READERS[target.name][0](READERS[target.name][1](wire))
        assert answer == expected(exchange), exchange.id
        assert counts == counted(exchange), exchange.id
        if target is CHAT:
            assert finish == FINISHES[exchange.expect["finish"]], exchange.id


def own_reading(exchange: Exchange, source: Dialect) -> tuple[int, ...] | None:
    usage = source.usage(exchange.body)
    if usage is None:
        return None
    return (
        usage.input_tokens,
        usage.output_tokens,
        min(usage.cached_input_tokens, usage.input_tokens),
        usage.reasoning_tokens,
    )


SOURCES = [(CHAT, "openai_chat", "chat"), (RESPONSES, "openai_responses", "responses")]


@pytest.mark.parametrize(("source", "dialect", "operation"), SOURCES)
def test_every_answer_of_openais_kind_is_read_by_anthropics_sdk(
    source: Dialect, dialect: str, operation: str
) -> None:
    lost: Counter[str] = Counter()
    for exchange in answered(dialect, operation):
        response = source.parse_response(exchange.body)
        rendered = MESSAGES.render_response(response, asked(MESSAGES))
        features = {loss.feature for loss in rendered.losses}
        lost.update(features)
        answer, finish, counts = read_messages(json.loads(rendered.body))
        if not features & {"audio", "refusals"}:  # which are shown as text
            assert answer == expected(exchange), exchange.id
        if answer[2]:
            assert finish == "tool_use", exchange.id
        assert counts == (own_reading(exchange, source) or (0, 0, 0, 0)), exchange.id
    assert {name for name in lost if not name.startswith("messages.")} <= {
        "n",
        "audio",
        "refusals",
        "citations",
        "tools.arguments",
    }


@pytest.mark.parametrize(("source", "dialect", "operation"), SOURCES)
def test_every_stream_of_openais_kind_is_read_by_anthropics_sdk(
    source: Dialect, dialect: str, operation: str
) -> None:
    for exchange in answered(dialect, f"{operation}_stream"):
        parser = source.stream_parser()
        events = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
        if any(isinstance(event, Failed) for event in events):
            continue
        wire, _ = through(exchange, source, MESSAGES)
        answer, finish, _ = read_messages(assembled_message(wire))
        assert answer == expected(exchange), exchange.id
        if answer[2]:
            assert finish == "tool_use", exchange.id
