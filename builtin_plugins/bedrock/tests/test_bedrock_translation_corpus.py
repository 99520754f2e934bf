"""Recorded answers of Bedrock read by other vendors' SDKs, and others' answers by AWS's."""

import json
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import Any

import botocore.session  # type: ignore[import-untyped]
from botocore.eventstream import EventStream  # type: ignore[import-untyped]
from botocore.parsers import create_parser  # type: ignore[import-untyped]
from botocore.validate import ParamValidator  # type: ignore[import-untyped]
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, Loss, installed
from jackfield.messages import ChatRequest, Message, Text
from jackfield_bedrock.endpoints import CONVERSE

pytestmark = needs_corpus
CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
SERVICE = botocore.session.get_session().get_service_model("bedrock-runtime")
FINISHES = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "guardrail_intervened": "content_filter",
}
LOST = {"messages.server_tool_use", "messages.server_tool_result", "citations"}
Answer = tuple[str, str, list[tuple[str, Any]]]


def recorded(operation: str) -> Iterator[Exchange]:
    for exchange in exchanges("bedrock_converse", operation):
        if exchange.status == 200 and exchange.expect:
            yield exchange


def expected(exchange: Exchange) -> Answer:
    """The expected content, with the texts that have citations."""
    text = exchange.expect["text"]
    if "citationsContent" in json.dumps(exchange.response["body"]):
        blocks = exchange.response["body"]["output"]["message"]["content"]
        text = "".join(
            block.get("text") or block["citationsContent"]["content"][0]["text"] for block in blocks
        )
    calls = [(call["name"], call["arguments"]) for call in exchange.expect["tool_calls"]]
    calls = [call for call in calls if call[0] != "nova_code_interpreter"]
    return text, exchange.expect["reasoning"], calls


def counts(exchange: Exchange) -> tuple[int, int, int]:
    usage = exchange.expect["usage"]
    read, written = (usage.get(f"cache{way}InputTokens") or 0 for way in ("Read", "Write"))
    return usage["inputTokens"] + read + written, usage["outputTokens"], read


def called(calls: Sequence[Any]) -> list[tuple[str, Any]]:
    ids = [call["id"] for call in calls]
    assert all(ids)
    assert len(set(ids)) == len(ids)
    return [(c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls]


def finish_of(exchange: Exchange, answer: Answer) -> str:
    finish = FINISHES[exchange.expect["finish"]]
    return "stop" if finish == "tool_calls" and not answer[2] else finish


def assert_completion(body: Mapping[str, Any], exchange: Exchange) -> None:
    choice = body["choices"][0]
    message, usage = choice["message"], body["usage"]
    thought = message.get("reasoning_content") or ""
    answer = (message.get("content") or "", thought, called(message.get("tool_calls") or ()))
    assert answer == expected(exchange), exchange.id
    assert choice["finish_reason"] == finish_of(exchange, answer), exchange.id
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], cached) == counts(exchange)


def test_an_openai_client_reads_every_answer() -> None:
    lost: Counter[str] = Counter()
    for exchange in recorded("converse"):
        rendered = CHAT.render_response(CONVERSE.parse_response(exchange.body), REQUEST)
        lost.update(loss.feature for loss in rendered.losses)
        body = json.loads(rendered.body)
        ChatCompletion.model_validate(body)
        assert_completion(body, exchange)
    assert set(lost) <= LOST


def through(
    source: Dialect, target: Dialect, wire: bytes, size: int = 0
) -> tuple[bytes, list[Loss]]:
    """A stream in another dialect, as it arrives in pieces."""
    parser, renderer = source.stream_parser(), target.stream_renderer(REQUEST)
    framer, step, out = source.framing.framer(), size or len(wire), b""
    for at in range(0, len(wire), step):
        for event in source.framing.split(framer.feed(wire[at : at + step])):
            out += b"".join(map(renderer.render, parser.feed(event)))
    return out + b"".join(map(renderer.render, parser.close())), list(renderer.losses)


def completion_of(wire: bytes) -> dict[str, Any]:
    """What a client makes of a stream of chunks."""
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "tool_calls": []}
    finish = usage = None
    for event in sse.split(wire)[:-1]:
        body = json.loads(sse.data_of(event) or b"")
        ChatCompletionChunk.model_validate(body)
        usage = body.get("usage") or usage
        for choice in body["choices"]:
            finish = choice["finish_reason"] or finish
            for key in ("content", "reasoning_content"):
                message[key] += choice["delta"].get(key) or ""
            for call in choice["delta"].get("tool_calls") or ():
                if "id" in call:
                    assert call["index"] == len(message["tool_calls"])
                    message["tool_calls"].append({**call, "function": dict(call["function"])})
                else:
                    function = message["tool_calls"][call["index"]]["function"]
                    function["arguments"] += call["function"]["arguments"]
    assert wire.endswith(b"data: [DONE]\n\n")
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def test_an_openai_client_reads_every_stream_however_it_is_cut() -> None:
    for exchange in recorded("converse_stream"):
        wire = b64decode(exchange.response["body"]["base64"])
        for size in (1, 7, 0):
            out, losses = through(CONVERSE, CHAT, wire, size)
            assert {loss.feature for loss in losses} <= LOST
            assert_completion(completion_of(out), exchange)


def test_a_responses_client_reads_every_answer() -> None:
    for exchange in recorded("converse"):
        rendered = RESPONSES.render_response(CONVERSE.parse_response(exchange.body), REQUEST)
        body = json.loads(rendered.body)
        Response.model_validate(body)
        items = body["output"]
        texts = [block for item in items for block in item.get("content") or ()]
        thoughts = [block["text"] for item in items for block in item.get("summary") or ()]
        calls = [item for item in items if item["type"] == "function_call"]
        received = (
            "".join(block.get("text", "") for block in texts),
            "".join(thoughts),
            [(call["name"], json.loads(call["arguments"])) for call in calls],
        )
        assert received == expected(exchange), exchange.id
        usage = body["usage"]
        cached = usage["input_tokens_details"]["cached_tokens"]
        assert (usage["input_tokens"], usage["output_tokens"], cached) == counts(exchange)


def aws_answer(body: bytes) -> dict[str, Any]:
    """What AWS's SDK makes of an answer, which has to fit its model."""
    shape = SERVICE.operation_model("Converse").output_shape
    response = {"body": body, "headers": {}, "status_code": 200}
    parsed: dict[str, Any] = create_parser("rest-json").parse(response, shape)
    del parsed["ResponseMetadata"]
    report = ParamValidator().validate(parsed, shape)
    assert not report.has_errors(), report.generate_report()
    return parsed


class Raw(BytesIO):
    """A body that is read in pieces."""

    def stream(self) -> Iterator[bytes]:
        while piece := self.read(11):
            yield piece


def aws_stream(wire: bytes) -> list[dict[str, Any]]:
    """What AWS's SDK makes of a stream."""
    operation = SERVICE.operation_model("ConverseStream")
    shape = operation.get_event_stream_output()
    parser = create_parser("rest-json")._event_stream_parser
    return list(EventStream(Raw(wire), shape, parser, operation.name))


def answer_in(content: Sequence[Mapping[str, Any]]) -> Answer:
    blocks = [next(iter(block.items())) for block in content]
    thoughts = [value.get("reasoningText", {}) for kind, value in blocks if kind[0] == "r"]
    texts = iter(
        [v["content"][0]["text"] if v["content"] else "" for k, v in blocks if k[0] == "c"]
    )
    texts_and_citations = [(k, v) for k, v in blocks if k in ("text", "citationsContent")]
    return (
        "".join(value if kind == "text" else next(texts) for kind, value in texts_and_citations),
        "".join(thought.get("text", "") for thought in thoughts),
        [(value["name"], value["input"]) for kind, value in blocks if kind == "toolUse"],
    )


def parsed_arguments(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    return json.loads(arguments) if arguments else {}


def openai_expected(exchange: Exchange) -> Answer:
    calls = exchange.expect["tool_calls"]
    named = [(call["name"], parsed_arguments(call["arguments"])) for call in calls if call["name"]]
    return exchange.expect["text"], exchange.expect["reasoning"], named


UNLIKE = ("snowflake", "huggingface")


def test_aws_s_sdk_reads_openai_s_answers() -> None:
    read = 0
    for exchange in exchanges("openai_chat", "chat"):
        if exchange.status != 200 or exchange.provider in UNLIKE or not exchange.expect:
            continue
        response = CHAT.parse_response(exchange.body)
        rendered = CONVERSE.render_response(response, REQUEST)
        features = {loss.feature for loss in rendered.losses}
        answer = aws_answer(rendered.body)
        if features & {"audio", "n", "refusals", "messages.image", "tools.arguments"}:
            continue
        received = answer_in(answer["output"]["message"]["content"])
        want = openai_expected(exchange)
        assert (received[0], received[2]) == (want[0], want[2]), exchange.id
        read += 1
    assert read > 200


def streamed(events: Sequence[Mapping[str, Any]]) -> Answer:
    texts, thoughts = [], []
    calls: dict[int, list[str]] = {}
    for event in events:
        ((kind, value),) = event.items()
        if kind == "contentBlockStart" and "toolUse" in value["start"]:
            calls[value["contentBlockIndex"]] = [value["start"]["toolUse"]["name"], ""]
        elif kind == "contentBlockDelta":
            delta = value["delta"]
            texts.append(delta.get("text", ""))
            thoughts.append(delta.get("reasoningContent", {}).get("text", ""))
            if "toolUse" in delta:
                calls[value["contentBlockIndex"]][1] += delta["toolUse"]["input"]
    arguments = [(name, json.loads(text or "{}")) for name, text in calls.values()]
    return "".join(texts), "".join(thoughts), arguments


def test_aws_s_sdk_reads_openai_s_streams() -> None:
    read = 0
    for exchange in exchanges("openai_chat", "chat_stream"):
        broken = exchange.status != 200 or not exchange.expect or exchange.provider in UNLIKE
        if broken or "stream_error" in exchange.expect:
            continue
        wire, losses = through(CHAT, CONVERSE, exchange.body)
        if {loss.feature for loss in losses} & {"n", "audio"}:
            continue
        events = aws_stream(wire)
        assert [next(iter(event)) for event in (events[0], events[-2], events[-1])] == [
            "messageStart",
            "messageStop",
            "metadata",
        ]
        received, want = streamed(events), openai_expected(exchange)
        assert (received[0], received[2]) == (want[0], want[2]), exchange.id
        read += 1
    assert read > 50


def test_aws_s_sdk_accepts_what_openai_s_clients_request() -> None:
    shape = SERVICE.operation_model("Converse").input_shape
    lost: Counter[str] = Counter()
    for exchange in exchanges("openai_chat"):
        if exchange.request_tree is None or exchange.status != 200:
            continue
        request = CHAT.parse_request(exchange.request_tree, {})
        rendered = CONVERSE.render_request(request)
        lost.update(loss.feature for loss in rendered.losses)
        body = {**json.loads(rendered.body), "modelId": "m"}
        report = ParamValidator().validate(body, shape)
        assert not report.has_errors(), (exchange.id, report.generate_report())
    assert lost["seed"]
