"""Answers of chats and generations, whole and as lines."""

from typing import Any

import msgspec
import pytest
from ollama import ChatResponse as SdkChat
from ollama import GenerateResponse as SdkGenerate

from jackfield.errors import ProviderError, RateLimited
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.framing import NDJSON
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from jackfield_ollama.dialect import ChatDialect, GenerateDialect

CHAT, GENERATE = ChatDialect(), GenerateDialect()
REQUEST = ChatRequest("requested", (Message("user", (Text("Hi"),)),), stream=True)
AT = "2026-08-07T06:08:11.017589Z"
CALL = {"id": "c", "function": {"index": 0, "name": "f", "arguments": {"a": 1}}}
TOKEN = {"token": "Hi", "logprob": -0.1, "top_logprobs": [{"token": "Ho", "logprob": -2.0}]}


def answer(message: dict[str, Any], **members: Any) -> dict[str, Any]:
    whole = {"role": "assistant", "content": "", **message}
    return {"model": "m", "created_at": AT, "message": whole, "done": True, **members}


def through(wire: dict[str, Any], dialect: ChatDialect | GenerateDialect = CHAT) -> Any:
    response = dialect.parse_response(msgspec.json.encode(wire))
    rendered = dialect.render_response(response, REQUEST)
    assert rendered.losses == ()
    return msgspec.json.decode(rendered.body)


def read(*lines: Any, dialect: ChatDialect | GenerateDialect = CHAT) -> list[StreamEvent]:
    parser = dialect.stream_parser()
    return [event for line in lines for event in parser.feed(msgspec.json.encode(line) + b"\n")]


def written(*events: StreamEvent) -> tuple[list[Any], list[str]]:
    renderer = CHAT.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, events))
    lines = [msgspec.json.decode(line) for line in NDJSON.split(wire)]
    for line in lines:
        if "images" not in line["message"]:  # Ollama's own, which its client refuses to read
            SdkChat.model_validate(line)
    return lines, [loss.feature for loss in renderer.losses]


@pytest.mark.parametrize(
    "wire",
    [
        answer({"content": "Hi"}, done_reason="stop", prompt_eval_count=3, eval_count=2),
        answer({"thinking": "Hm", "tool_calls": [CALL]}, done_reason="stop", eval_duration=5),
        answer({"content": "Hi", "images": ["iVBORw0KGgo="]}, done_reason="length"),
        answer({"content": "Hi", "later": 1}, remote_model="x", prompt_eval_cached_count=2),
        answer({"content": "Hi"}, logprobs=[TOKEN]),
        answer({}, done_reason="load"),
        answer({"tool_calls": [{"function": {"name": "f", "arguments": {}}}]}),
    ],
)
def test_an_answer_comes_back_as_it_was(wire: dict[str, Any]) -> None:
    assert through(wire) == wire


@pytest.mark.parametrize(
    "members",
    [{"response": "Hi", "context": [1, 2]}, {"response": "", "thinking": "Hm"}, {"image": "aGk="}],
)
def test_a_generation_comes_back_as_it_was(members: dict[str, Any]) -> None:
    wire = {"model": "m", "created_at": AT, "done": True, "done_reason": "stop", **members}
    again = through(wire, GENERATE)
    SdkGenerate.model_validate(again)
    assert {"response": "", **wire} == again


@pytest.mark.parametrize(
    ("dialect", "number", "shown", "lost"),
    [(CHAT, 1, None, ["images"]), (GENERATE, 1, "aGk=", []), (GENERATE, 2, "aGk=", ["images"])],
)
def test_an_image_that_the_sdk_could_not_read_is_a_named_loss(
    dialect: ChatDialect | GenerateDialect, number: int, shown: str | None, lost: list[str]
) -> None:
    parts: tuple[Part, ...] = (Text("Hi"), *[Image(data="aGk=")] * number)
    response = ChatResponse("i", "m", (Choice(Message("assistant", parts), "stop"),))
    rendered = dialect.render_response(response, REQUEST)
    wire = msgspec.json.decode(rendered.body)
    (SdkChat if dialect is CHAT else SdkGenerate).model_validate(wire)
    assert (wire.get("image"), [loss.feature for loss in rendered.losses]) == (shown, lost)


def test_an_answer_with_calls_has_finished_for_them() -> None:
    wire = answer({"tool_calls": [{"function": {"name": "f"}}] * 2}, done_reason="stop")
    choice = CHAT.parse_response(msgspec.json.encode(wire)).choices[0]
    calls = [part for part in choice.message.parts if isinstance(part, ToolCall)]
    assert (choice.finish_reason, choice.finish_detail) == ("tool_calls", "stop")
    assert [call.arguments for call in calls] == ["{}", "{}"]
    assert len({call.id for call in calls}) == 2


def test_cached_tokens_are_counted() -> None:
    counts = {"prompt_eval_count": 9, "prompt_eval_cached_count": 4, "eval_count": 2}
    usage = CHAT.usage(msgspec.json.encode(answer({"content": "Hi"}, **counts)))
    assert usage is not None
    assert (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens) == (9, 4, 2)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"error": "no"}', b'{"message": 1}', b"\xff"])
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        CHAT.parse_response(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"error": "no"}'])
def test_no_usage_is_read_in_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        CHAT.usage(body)


def test_another_vendors_answer_is_one_for_the_sdk() -> None:
    parts = (
        Reasoning("Hm", signature="s"),
        Text("Hi", citations=(Citation(url="https://example.com"),)),
        Refusal(" no"),
        ToolCall("c", "f", '{"a":1}'),
        ToolCall("d", "g", '{"a":'),
    )
    choices = (Choice(Message("assistant", parts), "tool_calls", "tool_use"),) * 2
    rendered = CHAT.render_response(ChatResponse("i", "", choices, Usage(3, 2, 1)), REQUEST)
    wire = msgspec.json.decode(rendered.body)
    SdkChat.model_validate(wire)
    assert (wire["model"], wire["done_reason"], wire["done"]) == ("requested", "stop", True)
    assert (wire["prompt_eval_count"], wire["eval_count"]) == (3, 2)
    whole = wire["message"]
    assert (whole["thinking"], whole["content"]) == ("Hm", "Hi no")
    assert [call["function"]["arguments"] for call in whole["tool_calls"]] == [{"a": 1}, {}]
    named = ["citations", "n", "reasoning.signature", "refusals", "tools.arguments"]
    assert sorted(loss.feature for loss in rendered.losses) == named


def test_lines_become_events_and_lines_again() -> None:
    lines = [
        answer({"thinking": "Hm"}, done=False),
        answer({"content": "Hi"}, done=False, logprobs=[TOKEN]),
        answer({"tool_calls": [CALL]}, done=False),
        answer({"images": ["iVBORw0KGgo="]}, done=False),
        answer({}, done_reason="stop", eval_count=2, prompt_eval_count=1, eval_duration=5),
    ]
    events = read(*lines)
    kinds = [Started, ReasoningDelta, TextDelta, ToolCallStarted, ToolCallDelta, PartAdded]
    assert [type(event) for event in events] == [*kinds, Finished, UsageReported, Ended]
    assert events[-3] == Finished(
        "tool_calls", 0, "stop", {"ollama.chat": {"$done_reason": "stop"}}
    )
    again, lost = written(*events)
    assert {line.pop("created_at") for line in lines} == {AT}
    assert {line.pop("created_at") for line in again} == {"2026-08-07T06:08:11Z"}
    assert [again[0], again[1], again[3], again[2], again[4]] == lines
    assert lost == []


def test_an_error_among_the_lines_is_reported() -> None:
    events = read(answer({"content": "Hi"}, done=False), {"error": "out of memory"})
    assert events[-1] == Failed("out of memory")
    assert CHAT.terminal(b'{"error":"out of memory"}\n') == "error"
    assert CHAT.terminal(b'{"message":{"content":"true"},"done":false}\n') is None
    assert CHAT.terminal(b'{"message":{}, "done": true}\n') == "end"
    with pytest.raises(ProviderError):
        CHAT.stream_parser().feed(b"<html>\n")


@pytest.mark.parametrize("reason", ["length", "content_filter", "error"])
def test_an_answer_that_was_cut_off_has_the_reason(reason: Any) -> None:
    lines, lost = written(Started("", "m"), TextDelta(0, "Hi"), Finished(reason), Ended())
    assert (lines[-1]["done_reason"], lost) == (reason, [])
    assert next(e for e in read(*lines) if isinstance(e, Finished)).reason == reason


def test_calls_are_sent_whole_and_in_their_order() -> None:
    lines, lost = written(
        Started("i", "m"),
        ToolCallStarted(0, "c", "f"),
        ToolCallDelta(0, '{"a":'),
        ToolCallDelta(0, "1}"),
        ToolCallStarted(1, "d", "g"),
        TextDelta(2, "Hi"),
        Finished("tool_calls"),
        Ended(),
    )
    calls = [line["message"]["tool_calls"][0] for line in lines if "tool_calls" in line["message"]]
    assert calls == [CALL, {"id": "d", "function": {"index": 1, "name": "g", "arguments": {}}}]
    assert "tool_calls" in lines[0]["message"]
    assert (lines[-1]["done"], lines[-1]["done_reason"], lost) == (True, "stop", [])


def test_what_lines_cannot_say_is_named() -> None:
    lines, lost = written(
        ReasoningDelta(0, "a", signature="s", encrypted="e"),
        ReasoningDelta(1, "b"),
        RefusalDelta(2, "No"),
        CitationAdded(2, Citation()),
        AudioDelta(3, "aGk=", "Hi"),
        TextDelta(0, "other", choice=1),
        PartAdded(4, Image(data="iVBORw0KGgo=")),
        Ended(),
    )
    assert [line["message"].get("thinking") for line in lines[:2]] == ["a", "\n\nb"]
    assert sorted(lost) == [
        *("audio", "citations", "images", "n"),
        *("reasoning.encrypted", "reasoning.signature", "refusals"),
    ]


def test_errors_have_ollamas_form() -> None:
    error = RateLimited("Too fast")
    assert CHAT.render_error(error, "r") == b'{"error":"Too fast"}'
    assert CHAT.render_error_event(error, "r") == b'{"error":"Too fast"}\n'
    assert CHAT.parse_error(404, b'{"error":"model not found"}').message == "model not found"
    assert CHAT.parse_error(400, b'{"error":{"message":"m","code":"c"}}').code == "c"
    assert CHAT.parse_error(404, b"404 page not found").message == "404 page not found"
    assert "500" in CHAT.parse_error(500, b"").message


def test_the_meter_reads_the_last_line() -> None:
    meter = CHAT.usage_meter()
    for line in (answer({"content": "Hi"}, done=False), answer({}, eval_count=2)):
        meter.feed(msgspec.json.encode(line) + b"\n")
    usage = meter.usage()
    assert usage is not None
    assert usage.output_tokens == 2


@pytest.mark.parametrize("dialect", [CHAT, GENERATE], ids=lambda one: one.name)
def test_a_stream_that_is_cut_short_ends_for_the_sdk(
    dialect: ChatDialect | GenerateDialect,
) -> None:
    line = msgspec.json.decode(dialect.stop_marker)
    (SdkChat if dialect is CHAT else SdkGenerate).model_validate(line)
    assert dialect.terminal(dialect.stop_marker) == "end"
