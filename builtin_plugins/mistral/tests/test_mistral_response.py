"""Answers and streams: Mistral's own, and those of others written for its clients."""

import json
from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.dialects import installed
from jackfield.errors import InvalidRequest, ProviderError, Unauthenticated
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Ended,
    Failed,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    FinishReason,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from jackfield.proofs import without_sealed_signatures
from jackfield_mistral.call_ids import short_id
from jackfield_mistral.endpoints import CHAT, RESOURCE

OPENAI = installed("openai.chat")
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
ANTHROPIC: Any = {"anthropic.messages": {}}


def written(*parts: Part, finish: FinishReason = "stop") -> tuple[Any, set[str]]:
    choice = Choice(Message("assistant", parts), finish)
    rendered = CHAT.render_response(ChatResponse("id", "m", (choice,)), REQUEST)
    return msgspec.json.decode(rendered.body), {loss.feature for loss in rendered.losses}


def streamed(*events: StreamEvent) -> tuple[list[Any], list[str]]:
    renderer = CHAT.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, events))
    datas = [sse.data_of(one) or b"" for one in sse.split(wire)]
    values = [msgspec.json.decode(data) for data in datas if data != b"[DONE]"]
    return values, [loss.feature for loss in renderer.losses]


def read(*values: Any) -> list[StreamEvent]:
    parser = CHAT.stream_parser()
    wires = [sse.encode(json.dumps(value).encode()) for value in values]
    return [*(one for wire in wires for one in parser.feed(wire)), *parser.close()]


def test_an_answer_of_another_vendor_is_one_of_mistral() -> None:
    body, losses = written(Reasoning("Hm."), Text("Yes."), ToolCall("toolu_1", "f", "{}"))
    message = body["choices"][0]["message"]
    assert message["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]
    assert message["tool_calls"] == [
        {
            "id": short_id("toolu_1"),
            "type": "function",
            "function": {"name": "f", "arguments": "{}"},
            "index": 0,
        }
    ]
    assert body["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert losses == set()


def test_what_mistrals_answers_do_not_have_is_named() -> None:
    cited = Text("Yes.", (Citation("https://example.com"),))
    audio = Audio(data="AA==", transcript="spoken")
    body, losses = written(
        cited, Refusal("No."), audio, Image(data="AA=="), finish="content_filter"
    )
    assert losses == {
        *("citations", "refusals", "audio", "images.output", "finish_reason.content_filter")
    }
    assert body["choices"][0]["message"]["content"] == "Yes.No.spoken"
    assert body["choices"][0]["finish_reason"] == "error"


def test_a_proof_of_another_vendor_comes_back_and_mistral_does_not_see_it() -> None:
    thought = Reasoning("Hm.", signature="sig", extensions=ANTHROPIC)
    hidden = Reasoning(encrypted="x", extensions=ANTHROPIC)
    message = written(hidden, thought, Text("Yes."))[0]["choices"][0]["message"]
    tree = {"model": "m", "messages": [message]}
    again = CHAT.parse_request(tree, {})
    assert again.messages[0].parts[:2] == (hidden, thought)
    sent = msgspec.json.decode(without_sealed_signatures(msgspec.json.encode(tree)))
    assert sent["messages"][0]["content"] == [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]


def test_the_proof_of_a_call_names_the_id_that_the_client_gets() -> None:
    note = {"gemini.generate_content": {"$of": "next", "$call": "call_gm_1"}}
    proof, call = Reasoning(signature="sig", extensions=note), ToolCall("call_gm_1", "f", "{}")
    complete = written(proof, call)[0]["choices"][0]["message"]
    delta = ReasoningDelta(0, signature="sig", extensions=note)
    begun = (ToolCallStarted(1, call.id, "f"), ToolCallDelta(1, "{}"))
    chunks, _ = streamed(Started("1", "m"), delta, *begun, Finished("tool_calls"), Ended())
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    whole = {key: value for one in deltas for key, value in one.items() if value}
    for message in (complete, whole):
        again = CHAT.parse_request({"model": "m", "messages": [message]}, {}).messages[0].parts
        (thought,) = (part for part in again if isinstance(part, Reasoning))
        identity = message["tool_calls"][0]["id"]
        assert thought.extensions["gemini.generate_content"]["$call"] == identity != call.id


def test_a_thought_of_mistral_is_reasoning_to_others_and_comes_back() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "closed": True}
    content = [thinking, {"type": "text", "text": "Yes."}]
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": content}}
    body = {"id": "1", "model": "m", "choices": [choice]}
    response = CHAT.parse_response(msgspec.json.encode(body))
    message = msgspec.json.decode(OPENAI.render_response(response, REQUEST).body)["choices"][0][
        "message"
    ]
    assert (message["content"], message["reasoning_content"]) == ("Yes.", "Hm.")
    again = OPENAI.parse_request({"model": "m", "messages": [message]}, {})
    back = msgspec.json.decode(CHAT.render_request(again).body)
    assert back["messages"][0]["content"] == content


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("model_length", "length"),
        ("error", "error"),
        ("tool_calls", "tool_calls"),
    ],
)
def test_each_finish_has_its_meaning_and_comes_back(word: str, reason: str) -> None:
    choice = {"index": 0, "finish_reason": word, "message": {"role": "assistant", "content": "x"}}
    response = CHAT.parse_response(msgspec.json.encode({"id": "1", "choices": [choice]}))
    assert isinstance(response, ChatResponse)
    assert response.choices[0].finish_reason == reason
    again = msgspec.json.decode(CHAT.render_response(response, REQUEST).body)
    assert again["choices"][0]["finish_reason"] == word


def test_calls_come_whole_and_together_and_usage_with_the_finish() -> None:
    values, losses = streamed(
        Started("id", "m"),
        TextDelta(0, "Sun"),
        ToolCallStarted(1, "toolu_1", "f"),
        ToolCallStarted(2, "toolu_2", "g"),
        ToolCallDelta(1, '{"a":'),
        ToolCallDelta(2, "{}"),
        ToolCallDelta(1, "1}"),
        Finished("tool_calls"),
        UsageReported(Usage(5, 3)),
        Ended(),
    )
    assert len(values) == 4  # Pydantic AI numbers the calls of each chunk from 0
    calls = values[2]["choices"][0]["delta"]["tool_calls"]
    assert [(call["index"], call["function"]) for call in calls] == [
        (0, {"name": "f", "arguments": '{"a":1}'}),
        (1, {"name": "g", "arguments": "{}"}),
    ]
    assert [call["id"] for call in calls] == [short_id("toolu_1"), short_id("toolu_2")]
    assert values[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert values[-1]["usage"]["prompt_tokens"] == 5
    assert losses == []


def test_only_the_last_chunk_has_usage() -> None:
    events = (Started("i", "m"), TextDelta(0, "a"), TextDelta(0, "b"), UsageReported(Usage(1, 2)))
    values, _ = streamed(*events, Finished("stop"), Ended())
    assert ["usage" in value for value in values] == [False] * (len(values) - 1) + [True]


def test_a_streamed_thought_keeps_its_proof() -> None:
    proof = ReasoningDelta(0, signature="sig", extensions=ANTHROPIC)
    values, _ = streamed(Started("i", "m"), ReasoningDelta(0, "Hm.", extensions=ANTHROPIC), proof)
    again = [one for one in read(*values) if isinstance(one, ReasoningDelta)]
    assert [one.text for one in again if one.text] == ["Hm."]
    assert again[-1] == proof


def test_a_signature_of_mistral_is_read_and_written_again() -> None:
    part = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}], "signature": "s"}
    delta = {"index": 0, "delta": {"content": [part]}, "finish_reason": None}
    events = read({"id": "1", "model": "m", "choices": [delta]})
    thoughts = [one for one in events if isinstance(one, ReasoningDelta)]
    assert [(one.text, one.signature) for one in thoughts] == [("Hm.", None), ("", "s")]
    values, _ = streamed(*events)
    assert values[-1]["choices"][0]["delta"]["content"][0]["signature"] == "s"


def test_events_that_a_stream_of_mistral_lacks_are_losses() -> None:
    values, losses = streamed(
        Started("i", "m"),
        RefusalDelta(0, "No."),
        AudioDelta(1, "AA==", "spoken"),
        CitationAdded(0, Citation("https://example.com")),
        Finished("content_filter"),
        Ended(),
    )
    assert losses == ["refusals", "audio", "citations", "finish_reason.content_filter"]
    assert values[-1]["choices"][0]["finish_reason"] == "error"


@pytest.mark.parametrize(
    "value",
    [
        {"object": "error", "message": "overloaded", "type": "x"},
        {"error": {"message": "overloaded", "type": "x"}},
    ],
)
def test_an_error_in_the_stream_breaks_it_off(value: Any) -> None:
    assert read(value) == [Failed("overloaded", "x")]
    assert CHAT.terminal(sse.encode(json.dumps(value).encode())) == "error"


def test_errors_have_mistrals_forms() -> None:
    refused = msgspec.json.decode(CHAT.render_error(InvalidRequest("No.", param="stop"), "req"))
    assert (refused["object"], refused["message"], refused["param"]) == ("error", "No.", "stop")
    assert refused["type"] == "invalid_request_error"
    assert msgspec.json.decode(CHAT.render_error(Unauthenticated("Who?"), "req")) == {
        "detail": "Who?"
    }
    wrong = ProviderError("Missing.", upstream_status=422, param="messages.0")
    detail = msgspec.json.decode(CHAT.render_error(wrong, "req"))["detail"]
    assert detail[0]["loc"] == ["body", "messages", "0"]
    assert detail[0]["msg"] == "Missing."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"detail":"Unauthorized"}', "Unauthorized"),
        (
            b'{"detail":[{"loc":["body"],"msg":"Field required","type":"missing"}]}',
            "Field required",
        ),
        (b'{"object":"error","message":{"detail":[{"msg":"a"},{"msg":"b"}]},"type":"x"}', "a; b"),
        (b'{"message":"Requests rate limit exceeded"}', "Requests rate limit exceeded"),
    ],
)
def test_every_form_of_an_error_is_read(body: bytes, message: str) -> None:
    assert CHAT.parse_error(422, body).message == message


@pytest.mark.parametrize(
    ("wire", "terminal"),
    [
        (b"data: [DONE]\n\n", "end"),
        (b'event: transcription.done\ndata: {"type":"transcription.done"}\n\n', "end"),
        (b'event: conversation.response.done\ndata: {"usage":{}}\n\n', "end"),
        (b'event: conversation.response.error\ndata: {"message":"x"}\n\n', "error"),
        (b'data: {"object":"error","message":"x"}\n\n', "error"),
        (b'data: {"type":"transcription.text.delta"}\n\n', None),
        (b": ping\n\n", None),
    ],
)
def test_other_streams_end_in_events_of_their_own(wire: bytes, terminal: str | None) -> None:
    assert RESOURCE.terminal(wire) == terminal
    if terminal is not None:
        assert any(hint in wire for hint in RESOURCE.terminal_hints)


def test_an_excessively_nested_event_is_neither_end_nor_error() -> None:
    event = sse.encode(b'{"error":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}")
    assert (CHAT.terminal(event), RESOURCE.terminal(event)) == (None, None)
    with pytest.raises(ProviderError):
        CHAT.stream_parser().feed(event)
