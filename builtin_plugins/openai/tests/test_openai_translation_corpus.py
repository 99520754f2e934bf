"""Recorded traffic of each of OpenAI's dialects, asked and answered in the other one."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
from openai import omit
from openai._models import construct_type
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, Loss
from jackfield.messages import ChatRequest
from jackfield_openai.chat import ChatDialect
from jackfield_openai.responses import ResponsesDialect

pytestmark = needs_corpus
CHAT, RESPONSES = ChatDialect(), ResponsesDialect()
HI = [{"role": "user", "content": "hi"}]
ASK_CHAT = CHAT.parse_request(
    {"model": "m", "messages": HI, "stream": True, "stream_options": {"include_usage": True}}, {}
)
ASK_RESPONSES = RESPONSES.parse_request({"model": "m", "input": HI, "stream": True}, {})
Answer = tuple[str, str, list[tuple[str, Any]]]

UNLIKE_EXPECTED = {
    # A block of a message's content_list without a tool is no call, and thinking is no text.
    *("snowflake-chat-0d0f65c84d", "snowflake-chat-329547dd62", "snowflake-chat-7b9570e78b"),
    *("snowflake-chat-882f030fe1", "snowflake-chat-8fb72324b3", "snowflake-chat-stream-41abd0e356"),
}
BROKEN_OFF = {"groq-chat-stream-e310341b55", "openrouter-chat-stream-f0e5b70efb"}


def answered(dialect: str, operation: str) -> Iterator[Exchange]:
    for exchange in exchanges(dialect, operation):
        if exchange.status == 200 and exchange.expect and exchange.id not in UNLIKE_EXPECTED:
            yield exchange


def value_of(arguments: Any) -> Any:
    try:
        return msgspec.json.decode(arguments) if isinstance(arguments, str) else arguments
    except msgspec.DecodeError:
        return arguments


def expected(exchange: Exchange) -> Answer:
    calls = [(call["name"], value_of(call["arguments"])) for call in exchange.expect["tool_calls"]]
    return squeezed((exchange.expect["text"], exchange.expect["reasoning"], calls))


def squeezed(answer: Answer) -> Answer:
    """Without the blank lines between several thoughts, which are no part of what was thought."""
    return answer[0], answer[1].replace("\n", ""), answer[2]


def read_response(body: dict[str, Any]) -> Answer:
    Response.model_validate(body)
    text = thought = ""
    calls = []
    for item in body["output"]:
        blocks = [*(item.get("content") or ()), *(item.get("summary") or ())]
        if item["type"] == "message":
            text += "".join(block.get("text", "") for block in blocks)
        elif item["type"] == "reasoning":
            thought += "".join(block["text"] for block in blocks)
        elif item["type"] in ("function_call", "custom_tool_call"):
            calls.append((item["name"], value_of(item.get("arguments", item.get("input")))))
    ids = [item["call_id"] for item in body["output"] if "call_id" in item]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    return squeezed((text, thought, calls))


def read_completion(body: dict[str, Any]) -> Answer:
    ChatCompletion.model_validate(body)
    message = body["choices"][0]["message"]
    calls = []
    for call in message.get("tool_calls") or ():
        inner = call[call["type"]]
        calls.append((inner["name"], value_of(inner.get("arguments", inner.get("input")))))
    return squeezed((message.get("content") or "", message.get("reasoning_content") or "", calls))


def through(
    exchange: Exchange, source: Dialect, target: Dialect, request: ChatRequest
) -> tuple[bytes, list[Loss]]:
    parser, renderer = source.stream_parser(), target.stream_renderer(request)
    events = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
    wire = b"".join(renderer.render(event) for event in (*events, *parser.close()))
    return wire, list(renderer.losses)


def final_response(wire: bytes) -> dict[str, Any]:
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    values = [msgspec.json.decode(sse.data_of(event) or b"") for event in sse.split(wire)]
    for number, value in enumerate(values):
        assert value["sequence_number"] == number
        state.handle_event(construct_type(type_=ResponseStreamEvent, value=value))
    final: dict[str, Any] = values[-1]["response"]
    return final


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
                add_call(calls, call)
    assert wire.endswith(b"data: [DONE]\n\n")
    message["tool_calls"] = list(calls.values()) or None
    choices = [{"index": 0, "finish_reason": finish, "message": message}]
    return {**body, "object": "chat.completion", "choices": choices, "usage": usage}


def add_call(calls: dict[int, dict[str, Any]], delta: dict[str, Any]) -> None:
    kind = "custom" if "custom" in delta else "function"
    key = "input" if kind == "custom" else "arguments"
    call = calls.setdefault(
        delta["index"], {"id": delta.get("id"), "type": kind, kind: {"name": "", key: ""}}
    )
    call[kind]["name"] += delta[kind].get("name") or ""
    call[kind][key] += delta[kind].get(key) or ""


def check_response(body: dict[str, Any], exchange: Exchange) -> None:
    assert read_response(body) == expected(exchange), exchange.id
    cut = exchange.expect["finish"] in ("length", "content_filter")
    assert body["status"] == ("incomplete" if cut else "completed"), exchange.id
    if usage := exchange.expect.get("usage"):
        told = (body["usage"]["input_tokens"], body["usage"]["output_tokens"])
        assert told == (usage["prompt_tokens"], usage["completion_tokens"]), exchange.id


def check_completion(body: dict[str, Any], exchange: Exchange) -> None:
    answer = read_completion(body)
    assert answer == expected(exchange), exchange.id
    finish = body["choices"][0]["finish_reason"]
    cut = exchange.expect["finish"] == "incomplete"
    assert finish == ("length" if cut else "tool_calls" if answer[2] else "stop"), exchange.id
    usage, told = exchange.expect["usage"], body["usage"]
    counted = (told["prompt_tokens"], told["completion_tokens"])
    assert counted == (usage["input_tokens"], usage["output_tokens"]), exchange.id


def test_every_chat_answer_is_a_response() -> None:
    lost: Counter[str] = Counter()
    for exchange in answered("openai_chat", "chat"):
        rendered = RESPONSES.render_response(CHAT.parse_response(exchange.body), ASK_RESPONSES)
        lost.update(loss.feature for loss in rendered.losses)
        if "messages.audio" not in {loss.feature for loss in rendered.losses}:
            check_response(msgspec.json.decode(rendered.body), exchange)
    assert set(lost) == {"n", "messages.audio", "citations.document"}


def test_every_chat_stream_is_a_response_stream() -> None:
    lost: Counter[str] = Counter()
    for exchange in answered("openai_chat", "chat_stream"):
        wire, losses = through(exchange, CHAT, RESPONSES, ASK_RESPONSES)
        lost.update(loss.feature for loss in losses)
        final = final_response(wire)
        if exchange.id in BROKEN_OFF:
            assert final["status"] == "failed"
        else:
            check_response(final, exchange)
    assert set(lost) == {"n"}


def test_every_response_is_a_chat_answer() -> None:
    for exchange in answered("openai_responses", "responses"):
        response = RESPONSES.parse_response(exchange.body)
        if response.choices[0].finish_reason is None:
            continue  # queued in the background, which a chat has no word for
        rendered = CHAT.render_response(response, ASK_CHAT)
        check_completion(msgspec.json.decode(rendered.body), exchange)


def test_every_response_stream_is_a_chat_stream() -> None:
    for exchange in answered("openai_responses", "responses_stream"):
        wire, _ = through(exchange, RESPONSES, CHAT, ASK_CHAT)
        check_completion(final_completion(wire), exchange)


def test_what_chat_cannot_answer_is_named() -> None:
    lost: Counter[str] = Counter()
    for exchange in answered("openai_responses", "responses"):
        rendered = CHAT.render_response(RESPONSES.parse_response(exchange.body), ASK_CHAT)
        lost.update({loss.feature for loss in rendered.losses})
        kinds = {item["type"] for item in exchange.response["body"]["output"]}
        served = {f"messages.{kind}" for kind in kinds if kind not in CARRIED}
        assert served <= {loss.feature for loss in rendered.losses}, exchange.id
    named = {name for name in lost if not name.startswith("messages.")}
    assert named <= {"citations", "images.output"}


CARRIED = {"message", "reasoning", "function_call", "custom_tool_call", "image_generation_call"}
