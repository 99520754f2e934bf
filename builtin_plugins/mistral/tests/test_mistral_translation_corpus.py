"""Recorded traffic of Mistral and of others, each asked and answered in the other's dialect."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from mistralai.client.models import (
    ChatCompletionRequest,
    ChatCompletionResponse,
    CompletionChunk,
    ThinkChunk,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.messages import ChatRequest, Message, Text
from jackfield_mistral.endpoints import CHAT as MISTRAL

pytestmark = needs_corpus
CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
ASK = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
Answer = tuple[str, str, list[tuple[str, Any]]]
SHORT = re.compile(r"[a-zA-Z0-9]{9}")

UNLIKE_EXPECTED = {
    # A block of a message's content_list without a tool is no call, and thinking is no text.
    *("snowflake-chat-0d0f65c84d", "snowflake-chat-329547dd62", "snowflake-chat-7b9570e78b"),
    *("snowflake-chat-882f030fe1", "snowflake-chat-8fb72324b3", "snowflake-chat-stream-41abd0e356"),
    # The arguments are an empty string, which is not the object that is expected.
    "openrouter-chat-8992e2a67f",
    # An error came in the midst of the stream.
    *("groq-chat-stream-e310341b55", "openrouter-chat-stream-f0e5b70efb"),
}


def answered(provider: str | None, operation: str) -> Iterator[Exchange]:
    """What Mistral answered, or, without a provider, what all others did."""
    for exchange in exchanges("openai_chat", operation, provider):
        wanted = provider == "mistral" or exchange.provider != "mistral"
        known = exchange.status == 200 and exchange.id not in UNLIKE_EXPECTED
        if wanted and known and exchange.expect:
            yield exchange


def value_of(arguments: Any) -> Any:
    try:
        return msgspec.json.decode(arguments or "{}") if isinstance(arguments, str) else arguments
    except msgspec.DecodeError:
        return arguments


def expected(exchange: Exchange) -> Answer:
    calls = [(call["name"], value_of(call["arguments"])) for call in exchange.expect["tool_calls"]]
    return exchange.expect["text"], exchange.expect["reasoning"].replace("\n", ""), calls


def read_message(message: dict[str, Any]) -> Answer:
    """What a message of either vendor says."""
    content, thought = message.get("content") or "", message.get("reasoning_content") or ""
    if not isinstance(content, str):
        parts, content = content, ""
        for part in parts:
            thoughts = part.get("thinking") or ()
            thought += "".join(one["text"] for one in thoughts)
            content += part.get("text", "")
    calls = message.get("tool_calls") or ()
    called = [(one["function"]["name"], value_of(one["function"]["arguments"])) for one in calls]
    return content, thought.replace("\n", ""), called


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


def through(exchange: Exchange, source: Dialect, target: Dialect) -> tuple[bytes, set[str]]:
    parser, renderer = source.stream_parser(), target.stream_renderer(ASK)
    events = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
    wire = b"".join(renderer.render(event) for event in (*events, *parser.close()))
    return wire, {loss.feature for loss in renderer.losses}


def chunks_of(wire: bytes) -> list[dict[str, Any]]:
    assert wire.endswith(b"data: [DONE]\n\n")
    found = [msgspec.json.decode(sse.data_of(event) or b"") for event in sse.split(wire)[:-1]]
    assert sum(bool(choice["finish_reason"]) for one in found for choice in one["choices"]) >= 1
    return found


def joined(chunks: list[dict[str, Any]]) -> Answer:
    content: list[dict[str, Any]] = []
    thought = ""
    calls: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["index"]:
                continue
            said = choice["delta"].get("content") or []
            content += [{"text": said}] if isinstance(said, str) else said
            thought += choice["delta"].get("reasoning_content") or ""
            for call in choice["delta"].get("tool_calls") or ():
                seen = calls.setdefault(call["index"], call | {"function": dict(call["function"])})
                if seen["id"] != call.get("id", ""):
                    seen["function"]["arguments"] += call["function"]["arguments"]
    message = {"content": content, "reasoning_content": thought}
    return read_message(message | {"tool_calls": list(calls.values())})


def check_usage(told: dict[str, Any], exchange: Exchange) -> None:
    usage = exchange.expect["usage"]
    assert told["prompt_tokens"] == usage["prompt_tokens"], exchange.id
    assert told["completion_tokens"] == usage["completion_tokens"], exchange.id
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    assert told["prompt_tokens_details"]["cached_tokens"] == (
        cached or usage.get("num_cached_tokens") or 0
    )


def test_every_answer_of_mistral_is_a_chat_completion() -> None:
    for exchange in answered("mistral", "chat"):
        rendered = CHAT.render_response(MISTRAL.parse_response(exchange.body), ASK)
        body = msgspec.json.decode(rendered.body)
        ChatCompletion.model_validate(body)
        message = body["choices"][0]["message"]
        assert not isinstance(message["content"], list)
        assert read_message(message) == expected(exchange), exchange.id
        assert body["choices"][0]["finish_reason"] == exchange.expect["finish"]
        check_usage(body["usage"], exchange)


def test_every_answer_of_mistral_is_a_response() -> None:
    asked = RESPONSES.parse_request({"model": "m", "input": "hi"}, {})
    for exchange in answered("mistral", "chat"):
        rendered = RESPONSES.render_response(MISTRAL.parse_response(exchange.body), asked)
        answer = read_openai_response(msgspec.json.decode(rendered.body))
        assert answer == expected(exchange), exchange.id


def test_every_stream_of_mistral_is_a_stream_of_openai() -> None:
    for exchange in answered("mistral", "chat_stream"):
        wire, losses = through(exchange, MISTRAL, CHAT)
        chunks = chunks_of(wire)
        for chunk in chunks:
            ChatCompletionChunk.model_validate(chunk)
        assert joined(chunks) == expected(exchange), exchange.id
        check_usage(chunks[-1]["usage"], exchange)
        assert losses == set()


def test_every_chat_completion_is_an_answer_of_mistral() -> None:
    lost: Counter[str] = Counter()
    for exchange in answered(None, "chat"):
        rendered = MISTRAL.render_response(CHAT.parse_response(exchange.body), ASK)
        named = {loss.feature for loss in rendered.losses}
        lost.update(named)
        response = ChatCompletionResponse.model_validate_json(rendered.body)
        assert response.choices[0].message is not None
        body = msgspec.json.decode(rendered.body)
        for call in body["choices"][0]["message"]["tool_calls"] or ():
            assert SHORT.fullmatch(call["id"])
        if not {"audio", "refusals"} & named:
            answer = read_message(body["choices"][0]["message"])
            assert answer == expected(exchange), exchange.id
    named_ones = {"audio", "refusals", "citations", "images.output"}
    assert set(lost) <= named_ones | {"finish_reason.content_filter"}


def test_every_stream_of_openai_is_a_stream_of_mistral() -> None:
    for exchange in answered(None, "chat_stream"):
        wire, losses = through(exchange, CHAT, MISTRAL)
        chunks = chunks_of(wire)
        for chunk in chunks:
            CompletionChunk.model_validate(chunk)
        assert losses <= {"citations", "finish_reason.content_filter"}, exchange.id
        assert joined(chunks) == expected(exchange), exchange.id
        if exchange.expect.get("usage"):
            assert chunks[-1]["usage"], exchange.id
            assert chunks[-1]["choices"], exchange.id


def test_every_chat_request_can_be_asked_of_mistral() -> None:
    asked = 0
    for exchange in exchanges("openai_chat"):
        if exchange.status != 200 or not isinstance(exchange.request_tree, dict):
            continue
        rendered = MISTRAL.render_request(CHAT.parse_request(exchange.request_tree, {}))
        tree = msgspec.json.decode(rendered.body)
        ChatCompletionRequest.model_validate(tree)
        ids = [m["tool_call_id"] for m in tree["messages"] if m["role"] == "tool"]
        assert all(SHORT.fullmatch(identity) for identity in ids)
        assert not {"max_completion_tokens", "seed", "stream_options", "user"} & tree.keys()
        asked += 1
    assert asked > 300


def test_the_sdk_knows_the_thoughts_of_others() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "x"}], "signature": "s"}
    assert ThinkChunk.model_validate(thought).signature == "s"
