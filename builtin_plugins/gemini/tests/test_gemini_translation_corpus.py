"""Recorded traffic of Google and of OpenAI, each asked and answered in the other's dialect."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from google.genai import types
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.events import Ended
from jackfield.messages import ChatRequest, Message, Text
from jackfield_gemini.endpoints import GENERATE, GENERATE_ARRAY

pytestmark = needs_corpus
CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
ASK = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
Reading = dict[str, Any]

UNLIKE_EXPECTED = {
    # A block of a message's content_list without a tool is no call, and thinking is no text.
    *("snowflake-chat-0d0f65c84d", "snowflake-chat-329547dd62", "snowflake-chat-7b9570e78b"),
    *("snowflake-chat-882f030fe1", "snowflake-chat-8fb72324b3", "snowflake-chat-stream-41abd0e356"),
    # The arguments are an empty string, which is not the object that is expected.
    "openrouter-chat-8992e2a67f",
    # An error came in the midst of the stream.
    *("groq-chat-stream-e310341b55", "openrouter-chat-stream-f0e5b70efb"),
}
REFUSALS = {"openai-chat-3d6a8d0c09": "I'm very sorry, but I can't assist with that request."}
"""Google has no place for a refusal but the text."""

FILTERS = ("SAFETY", "MODEL_ARMOR")


def value_of(arguments: Any) -> Any:
    return msgspec.json.decode(arguments or "{}") if isinstance(arguments, str) else arguments


def squeezed(text: str | None) -> str:
    return (text or "").replace("\n", "")


def expected(exchange: Exchange) -> Reading:
    calls = exchange.expect["tool_calls"]
    return {
        "text": REFUSALS.get(exchange.id, exchange.expect["text"]),
        "reasoning": squeezed(exchange.expect["reasoning"]),
        "calls": [(call["name"], value_of(call["arguments"])) for call in calls if call["name"]],
    }


def google(operation: str) -> list[Exchange]:
    return [e for e in exchanges("gemini", operation) if e.status == 200]


def finish_of(exchange: Exchange) -> str:
    word = exchange.expect["finish"]
    if word in ("MAX_TOKENS", 2):
        return "length"
    if word in (None, *FILTERS):
        return "content_filter"
    return "tool_calls" if exchange.expect["tool_calls"] else "stop"


def usage_of(exchange: Exchange) -> tuple[int, int, int, int]:
    usage = exchange.expect["usage"]
    thoughts = usage.get("thoughtsTokenCount", 0)
    cached = usage.get("cachedContentTokenCount", 0)
    spoken = usage.get("candidatesTokenCount", 0)
    asked = usage.get("promptTokenCount", 0) + usage.get("toolUsePromptTokenCount", 0)
    return asked, spoken + thoughts, cached, thoughts


def events_of(exchange: Exchange) -> list[Any]:
    dialect: Dialect = GENERATE
    body = exchange.body
    if not exchange.streams:
        dialect = GENERATE_ARRAY
        body = b"[" + b",\n".join(map(msgspec.json.encode, json.loads(body))) + b"]"
    parser = dialect.stream_parser()
    found = [event for wire in dialect.framing.split(body) for event in parser.feed(wire)]
    return [*found, *parser.close()]


def rendered(events: list[Any], target: Dialect) -> bytes:
    renderer = target.stream_renderer(ASK)
    return b"".join(map(renderer.render, events))


def read_completion(body: Any) -> tuple[Reading, str, tuple[int, ...]]:
    answer = ChatCompletion.model_validate(body)
    message = body["choices"][0]["message"]
    calls = [call["function"] for call in message.get("tool_calls") or ()]
    reading = {
        "text": message.get("content") or "",
        "reasoning": squeezed(message.get("reasoning_content")),
        "calls": [(call["name"], value_of(call["arguments"])) for call in calls],
    }
    return reading, answer.choices[0].finish_reason, counts_of(answer.usage)


def counts_of(usage: Any) -> tuple[int, ...]:
    inputs, outputs = usage.prompt_tokens_details, usage.completion_tokens_details
    counted = (usage.prompt_tokens, usage.completion_tokens)
    return (*counted, inputs.cached_tokens or 0, outputs.reasoning_tokens or 0)


@pytest.mark.parametrize("exchange", google("generate_content"), ids=lambda e: e.id)
def test_an_answer_reads_the_same_through_openais_sdk(exchange: Exchange) -> None:
    response = GENERATE.parse_response(exchange.body)
    body = msgspec.json.decode(CHAT.render_response(response, ASK).body)
    wanted = (expected(exchange), finish_of(exchange), usage_of(exchange))
    assert read_completion(body) == wanted
    ids = [call["id"] for call in body["choices"][0]["message"].get("tool_calls") or ()]
    assert len(set(ids)) == len(ids)
    answer = msgspec.json.decode(RESPONSES.render_response(response, ASK).body)
    assert read_response(answer) == expected(exchange)


def read_response(body: Any) -> Reading:
    Response.model_validate(body)
    found: Reading = {"text": "", "reasoning": "", "calls": []}
    for item in body["output"]:
        blocks = [*(item.get("content") or ()), *(item.get("summary") or ())]
        text = "".join(block.get("text", "") for block in blocks)
        if item["type"] == "function_call":
            found["calls"].append((item["name"], value_of(item["arguments"])))
        elif item["type"] in ("message", "reasoning"):
            found["text" if item["type"] == "message" else "reasoning"] += text
    return found | {"reasoning": squeezed(found["reasoning"])}


@pytest.mark.parametrize("exchange", google("generate_content_stream"), ids=lambda e: e.id)
def test_a_stream_reads_the_same_through_openais_sdk(exchange: Exchange) -> None:
    events = events_of(exchange)
    datas = [sse.data_of(event) or b"" for event in sse.split(rendered(events, CHAT))]
    assert datas.pop() == b"[DONE]"
    assert read_chunks(datas) == (expected(exchange), finish_of(exchange), usage_of(exchange))
    last = sse.split(rendered(events, RESPONSES))[-1]
    body = msgspec.json.decode(sse.data_of(last) or b"")
    assert body["type"] == "response.completed"
    assert read_response(body["response"]) == expected(exchange)


def read_chunks(datas: list[bytes]) -> tuple[Reading, str, tuple[int, ...]]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning_content": ""}
    calls: dict[int, dict[str, Any]] = {}
    finish, usage = "", None
    for data in datas:
        chunk = ChatCompletionChunk.model_validate_json(data)
        usage = chunk.usage or usage
        for choice in msgspec.json.decode(data)["choices"]:
            finish = choice["finish_reason"] or finish
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            message["reasoning_content"] += delta.get("reasoning_content") or ""
            for call in delta.get("tool_calls") or ():
                known = calls.setdefault(call["index"], {"name": "", "arguments": ""})
                for key, value in call["function"].items():
                    known[key] += value
    reading = {
        "text": message["content"],
        "reasoning": squeezed(message["reasoning_content"]),
        "calls": [(call["name"], value_of(call["arguments"])) for call in calls.values()],
    }
    return reading, finish, counts_of(usage)


def answered(dialect: str) -> Iterator[tuple[Exchange, Dialect]]:
    source = installed(dialect.replace("_", ".", 1))
    for exchange in exchanges(dialect):
        good = exchange.status == 200 and exchange.expect and exchange.id not in UNLIKE_EXPECTED
        if good and exchange.operation.startswith(("chat", "responses")):
            yield exchange, source


FOREIGN = [
    pytest.param(exchange, source, id=exchange.id)
    for dialect in ("openai_chat", "openai_responses")
    for exchange, source in answered(dialect)
    if exchange.operation in ("chat", "chat_stream", "responses", "responses_stream")
]


@pytest.mark.parametrize(("exchange", "source"), FOREIGN)
def test_an_answer_of_openai_reads_the_same_through_googles_sdk(
    exchange: Exchange, source: Dialect
) -> None:
    if exchange.streams:
        parser = source.stream_parser()
        found = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
        found += parser.close()
        ended = () if isinstance(found[-1], Ended) else (Ended(),)
        wire = rendered([*found, *ended], GENERATE)
        datas = [sse.data_of(event) or b"" for event in sse.split(wire)]
    else:
        response = source.parse_response(exchange.body)
        datas = [GENERATE.render_response(response, ASK).body]
    answers = [types.GenerateContentResponse.model_validate_json(data) for data in datas]
    wanted = expected(exchange)
    if exchange.provider == "snowflake":
        wanted["reasoning"] = read_google(answers)["reasoning"]  # its details were not read
    assert read_google(answers) == wanted
    last = answers[-1]
    assert last.candidates
    assert last.candidates[0].finish_reason is not None or exchange.expect["finish"] is None
    assert last.usage_metadata is not None or not exchange.expect.get("usage")


def read_google(answers: list[types.GenerateContentResponse]) -> Reading:
    found: Reading = {"text": "", "reasoning": "", "calls": []}
    for answer in answers:
        for candidate in [c for c in answer.candidates or () if not c.index]:
            for part in (candidate.content and candidate.content.parts) or ():
                if part.function_call is not None:
                    call = part.function_call
                    found["calls"].append((call.name, call.args or {}))
                found["reasoning" if part.thought else "text"] += part.text or ""
    return found | {"reasoning": squeezed(found["reasoning"])}
