"""Recorded traffic of Cohere and of OpenAI, each asked and answered in the other's dialect."""

from collections import Counter
from collections.abc import Iterator
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
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.messages import ChatRequest, Message, Text
from jackfield_cohere.endpoints import CHAT as COHERE

pytestmark = needs_corpus
CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
ASK = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
STREAMED: Any = V2ChatStreamResponse
Answer = tuple[str, str, list[tuple[str, Any]]]

UNLIKE_EXPECTED = {
    # A block of a message's content_list without a tool is no call, and thinking is no text.
    *("snowflake-chat-0d0f65c84d", "snowflake-chat-329547dd62", "snowflake-chat-7b9570e78b"),
    *("snowflake-chat-882f030fe1", "snowflake-chat-8fb72324b3", "snowflake-chat-stream-41abd0e356"),
    # The arguments are an empty string, which is not the object that is expected.
    "openrouter-chat-8992e2a67f",
    # An error came in the midst of the stream.
    *("groq-chat-stream-e310341b55", "openrouter-chat-stream-f0e5b70efb"),
}
FINISHES = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR": "content_filter",
}


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
    return exchange.expect["text"], exchange.expect["reasoning"].replace("\n", ""), calls


def read_completion(body: dict[str, Any]) -> Answer:
    ChatCompletion.model_validate(body)
    message = body["choices"][0]["message"]
    calls = message.get("tool_calls") or ()
    called = [(one["function"]["name"], value_of(one["function"]["arguments"])) for one in calls]
    thought = (message.get("reasoning_content") or "").replace("\n", "")
    return message.get("content") or "", thought, called


def read_openai_response(body: dict[str, Any]) -> Answer:
    Response.model_validate(body)
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
    return text, thought.replace("\n", ""), calls


def read_cohere(body: bytes) -> tuple[Answer, V2ChatResponse]:
    response = V2ChatResponse.model_validate_json(body)
    blocks: list[Any] = response.message.content or []
    text = "".join(block.text for block in blocks if block.type == "text")
    thought = "".join(block.thinking for block in blocks if block.type == "thinking")
    calls = [
        (str(call.function.name), value_of(call.function.arguments))
        for call in response.message.tool_calls or ()
        if call.function is not None
    ]
    for citation in response.message.citations or ():
        Citation.model_validate(citation.model_dump())
    return (text, thought.replace("\n", ""), calls), response


def through(exchange: Exchange, source: Dialect, target: Dialect) -> tuple[bytes, set[str]]:
    parser, renderer = source.stream_parser(), target.stream_renderer(ASK)
    events = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
    wire = b"".join(renderer.render(event) for event in (*events, *parser.close()))
    return wire, {loss.feature for loss in renderer.losses}


def final_completion(wire: bytes) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": ""}
    calls: dict[int, dict[str, Any]] = {}
    body: dict[str, Any] = {}
    finish = usage = None
    for event in sse.split(wire)[:-1]:
        body = msgspec.json.decode(sse.data_of(event) or b"")
        ChatCompletionChunk.model_validate(body)
        usage = body.get("usage") or usage
        for choice in body["choices"]:
            finish = choice["finish_reason"] or finish
            for key in ("content", "reasoning_content"):
                message[key] += choice["delta"].get(key) or ""
            for call in choice["delta"].get("tool_calls") or ():
                seen = calls.setdefault(call["index"], call | {"function": dict(call["function"])})
                if seen is not call and "id" not in call:
                    seen["function"]["arguments"] += call["function"]["arguments"]
    assert wire.endswith(b"data: [DONE]\n\n")
    message["tool_calls"] = list(calls.values()) or None
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    return {**body, "object": "chat.completion", "choices": choices, "usage": usage}


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


def check_completion(body: dict[str, Any], exchange: Exchange) -> None:
    answer = read_completion(body)
    assert answer == expected(exchange), exchange.id
    finish = body["choices"][0]["finish_reason"]
    assert finish == FINISHES[exchange.expect["finish"]], exchange.id
    usage, told = exchange.expect["usage"], body["usage"]
    tokens = usage["tokens"]
    counted = (told["prompt_tokens"], told["completion_tokens"])
    assert counted == (tokens["input_tokens"], tokens["output_tokens"]), exchange.id
    cached = told["prompt_tokens_details"]["cached_tokens"]
    assert cached == usage.get("cached_tokens", 0), exchange.id


def check_cohere(body: bytes, exchange: Exchange) -> None:
    answer, response = read_cohere(body)
    assert answer == expected(exchange), exchange.id
    assert response.id
    ids = [call.id for call in response.message.tool_calls or ()]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    if response.usage is None:
        return
    told, usage = response.usage.tokens, exchange.expect.get("usage")
    if usage and told and told.output_tokens and usage["prompt_tokens"]:
        assert told.input_tokens == usage["prompt_tokens"], exchange.id
        reasoning = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
        out = usage["completion_tokens"]
        assert told.output_tokens in (out, out + reasoning), exchange.id


def test_every_answer_of_cohere_is_a_chat_completion() -> None:
    for exchange in answered("cohere_v2", "chat"):
        rendered = CHAT.render_response(COHERE.parse_response(exchange.body), ASK)
        assert {loss.feature for loss in rendered.losses} <= {"citations"}, exchange.id
        check_completion(msgspec.json.decode(rendered.body), exchange)


def test_every_answer_of_cohere_is_a_response() -> None:
    asked = RESPONSES.parse_request({"model": "m", "input": "hi"}, {})
    for exchange in answered("cohere_v2", "chat"):
        rendered = RESPONSES.render_response(COHERE.parse_response(exchange.body), asked)
        answer = read_openai_response(msgspec.json.decode(rendered.body))
        assert answer == expected(exchange), exchange.id


def test_every_stream_of_cohere_is_a_stream_of_chunks() -> None:
    for exchange in answered("cohere_v2", "chat_stream"):
        wire, losses = through(exchange, COHERE, CHAT)
        assert losses <= {"citations"}, exchange.id
        check_completion(final_completion(wire), exchange)


def test_every_chat_completion_is_an_answer_of_cohere() -> None:
    lost: Counter[str] = Counter()
    for exchange in answered("openai_chat", "chat"):
        rendered = COHERE.render_response(CHAT.parse_response(exchange.body), ASK)
        lost.update(loss.feature for loss in rendered.losses)
        if not {"audio", "refusals"} & {loss.feature for loss in rendered.losses}:
            check_cohere(rendered.body, exchange)
    named = {"n", "audio", "refusals", "images.output", "finish_reason.content_filter"}
    assert set(lost) <= named


def test_every_stream_of_chunks_is_a_stream_of_cohere() -> None:
    for exchange in answered("openai_chat", "chat_stream"):
        wire, losses = through(exchange, CHAT, COHERE)
        assert losses <= {"n", "refusals", "finish_reason.content_filter"}, exchange.id
        check_cohere(final_message(wire), exchange)


_MESSAGES: dict[str, Any] = {
    "user": UserMessageV2,
    "assistant": AssistantMessage,
    "system": SystemMessageV2,
    "tool": ToolMessageV2,
}


def test_every_chat_request_can_be_asked_of_cohere() -> None:
    asked: Counter[str] = Counter()
    for exchange in exchanges("openai_chat"):
        if exchange.status != 200 or not isinstance(exchange.request_tree, dict):
            continue
        request = CHAT.parse_request(exchange.request_tree, {})
        rendered = COHERE.render_request(request)
        tree = msgspec.json.decode(rendered.body)
        for message in tree["messages"]:
            asked[message["role"]] += 1
            _MESSAGES[message["role"]].model_validate(message)
            for call in message.get("tool_calls", ()):
                ToolCallV2.model_validate(call)
        for tool in tree.get("tools", ()):
            ToolV2.model_validate(tool)
        assert tree.get("tool_choice", "NONE") in ("REQUIRED", "NONE")
    assert asked.keys() == _MESSAGES.keys()
