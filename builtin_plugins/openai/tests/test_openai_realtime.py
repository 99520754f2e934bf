"""The dialect of OpenAI's realtime sessions: texts, usage, keys and errors."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from multidict import CIMultiDict
from openai.types.realtime import RealtimeErrorEvent
from tests.corpus import ROOT, needs_corpus

from jackfield import Chunk, RateLimited
from jackfield.estimates import UNUSED
from jackfield.http import WEBSOCKET
from jackfield.messages import Bill, Usage
from jackfield.realtime import MESSAGES
from jackfield_openai.realtime import EXTENSION, REALTIME, SessionMeter, session_endpoint

TEXT = b"\x81\x00"


def message(**members: Any) -> bytes:
    return MESSAGES.with_data(TEXT, json.dumps(members).encode())


def texts(**members: Any) -> list[str]:
    return [span.value for span in Chunk(message(**members), REALTIME).texts()]


def response_done(**usage: Any) -> bytes:
    return message(type="response.done", response={"id": "r", "usage": usage})


def test_the_models_texts_are_found() -> None:
    assert texts(type="response.output_text.delta", delta="Hel") == ["Hel"]
    assert texts(type="response.output_audio_transcript.delta", delta="lo") == ["lo"]
    assert texts(type="response.output_text.done", text="Hello") == ["Hello"]
    assert texts(type="response.content_part.done", part={"transcript": "a"}) == ["a"]
    content = [{"type": "output_audio", "transcript": "b"}, {"type": "output_text", "text": "c"}]
    item = {"id": "i", "content": content}
    assert texts(type="response.output_item.done", item=item) == ["b", "c"]
    assert texts(type="response.done", response={"output": [item]}) == ["b", "c"]


@pytest.mark.parametrize("what", ["output_audio", "audio", "function_call_arguments"])
def test_sound_and_what_a_call_is_given_are_no_texts(what: str) -> None:
    assert texts(type=f"response.{what}.delta", delta="UklGRg==") == []


def test_a_rewritten_message_differs_in_its_text_alone() -> None:
    chunk = Chunk(message(type="response.output_text.delta", delta="a", more=[1.50]), REALTIME)
    changed = chunk.with_texts({("delta",): "b" * 200}).data
    assert MESSAGES.data_of(changed) == (MESSAGES.data_of(chunk.data) or b"").replace(
        b'"a"', b'"' + b"b" * 200 + b'"'
    )


def test_the_responses_of_a_session_are_added_up() -> None:
    meter = SessionMeter()
    assert meter.usage() is UNUSED
    details = {"cached_tokens": 2, "audio_tokens": 3}
    report = response_done(
        input_tokens=10, output_tokens=4, input_token_details=details,
        output_token_details={"audio_tokens": 1, "reasoning_tokens": 2},
    )  # fmt: skip
    meter.feed(report + message(type="rate_limits.updated") + report)
    meter.feed(response_done(input_tokens=1, output_tokens=1))
    assert meter.usage() == Usage(21, 9, 4, 0, 4, 6, 2)


def test_a_transcription_is_counted_apart() -> None:
    meter = SessionMeter()
    kind = "conversation.item.input_audio_transcription.completed"
    meter.feed(message(type=kind, transcript="hi", usage={"type": "duration", "seconds": 3}))
    meter.feed(message(type=kind, usage={"type": "tokens", "input_tokens": 7, "output_tokens": 2}))
    kept = {"transcription": {"seconds": 3, "input_tokens": 7, "output_tokens": 2}}
    bill = Usage(7, 2, units={"audio_ms": 3000})
    assert meter.usage() == replace(bill, extensions={EXTENSION: kept}, bills=(Bill(bill),))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["type", "response", "usage", "input_tokens", "input_token_details"]),
        inner | st.sampled_from(["response.done"]),
    )
)))  # fmt: skip
def test_no_message_breaks_the_count(value: Any) -> None:
    meter = SessionMeter()
    meter.feed(MESSAGES.with_data(TEXT, b'{"type": "response.done", "response": {"usage": '
        + json.dumps(value).encode() + b"}}"))  # fmt: skip
    meter.feed(MESSAGES.with_data(TEXT, b' {"response.done": ' + json.dumps(value).encode()))
    used = meter.usage()
    count = value.get("input_tokens") if isinstance(value, dict) else None
    readable = count is None or (type(count) is int and 0 <= count < 1 << 53)
    assert used is None or (used.input_tokens >= 0) is readable


def test_a_key_in_a_protocol_becomes_a_header() -> None:
    offered = "realtime, openai-insecure-api-key.sk-1, openai-beta.realtime-v1"
    headers = REALTIME.headers(CIMultiDict({"Sec-WebSocket-Protocol": offered}))
    assert headers["authorization"] == "Bearer sk-1"
    assert headers["sec-websocket-protocol"] == "realtime, openai-beta.realtime-v1"
    both = CIMultiDict({"Sec-WebSocket-Protocol": offered, "Authorization": "Bearer sk-2"})
    assert REALTIME.headers(both)["authorization"] == "Bearer sk-2"


def test_an_error_is_one_that_the_official_client_reads() -> None:
    message = json.loads(REALTIME.error_message(RateLimited("Slowly.", param="x"), "req_1"))
    event = RealtimeErrorEvent.model_validate(message)
    assert (event.error.message, event.error.type) == ("Slowly.", "rate_limit_error")
    assert (event.error.code, event.error.param) == ("rate_limited", "x")


def test_a_session_is_opened_with_a_websocket() -> None:
    endpoint = session_endpoint("/openai/v1")
    assert (endpoint.method, endpoint.path) == (WEBSOCKET, "/openai/v1/realtime")
    assert REALTIME.peek(None, {"model": "m"}).model == "m"
    assert REALTIME.peek(None, {}).model is None


@needs_corpus
def test_every_recorded_report_is_read() -> None:
    paths = [p for p in ROOT.glob("exchanges/*/realtime/*.json") if "gemini" not in p.name]
    for path in paths:
        meter, expected = SessionMeter(), 0
        for frame in json.loads(path.read_bytes())["frames"]:
            data = frame.get("data") or {}
            meter.feed(message(**data))
            if data.get("type") == "response.done":
                expected += (data["response"]["usage"] or {}).get("total_tokens", 0)
        used = meter.usage()
        assert meter.is_complete() is bool(expected), path.name  # xAI reports nothing
        assert not expected or (used and used.total_tokens == expected), path.name
