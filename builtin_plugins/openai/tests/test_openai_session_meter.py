"""What a session is taken to have used, above all when an answer is cut."""

import json
from base64 import b64encode
from typing import Any

from jackfield.estimates import UNUSED
from jackfield.messages import Bill, Usage
from jackfield.realtime import MESSAGES
from jackfield_openai.realtime import SessionMeter
from jackfield_openai.responses_socket import ResponsesSocketMeter

CREATED = {"type": "response.created", "response": {"id": "r"}}


def message(**members: Any) -> bytes:
    return MESSAGES.with_data(b"\x81\x00", json.dumps(members).encode())


def done(given: int, made: int) -> bytes:
    usage = {"input_tokens": given, "output_tokens": made}
    return message(type="response.done", response={"usage": usage})


def sound(size: int) -> str:
    return b64encode(bytes(size)).decode()


def said(seconds: int) -> bytes:
    """A second of sound in each message."""
    delta = message(type="response.output_audio.delta", delta=sound(48_000))
    return delta * seconds


def test_a_session_in_which_nothing_was_asked_certainly_costs_nothing() -> None:
    meter = SessionMeter()
    meter.sent(b'{"type":"session.update","session":{}}')
    meter.feed(message(type="session.created") + message(type="session.updated"))
    assert meter.usage() is UNUSED
    assert meter.is_complete()
    meter.sent(b'{"type":"response.create"}')
    assert meter.usage() is None


def test_an_answer_that_is_cut_is_estimated() -> None:
    meter = SessionMeter()
    meter.sent(b"x" * 400)
    meter.sent(b'{"type":"input_audio_buffer.append","audio":"%s"}' % sound(480_000).encode())
    meter.feed(message(**CREATED) + said(2))
    meter.feed(message(type="response.output_audio_transcript.delta", delta="Hello") * 3)
    used = meter.usage()
    assert used is not None
    assert not meter.is_complete()
    assert (used.input_tokens, used.audio_input_tokens) == (201, 100)  # ten seconds of sound
    assert used.audio_output_tokens in (40, 41)
    assert used.output_tokens == used.audio_output_tokens + 3


def test_an_answer_reads_what_the_last_one_has_read_and_said() -> None:
    meter = SessionMeter()
    meter.feed(message(**CREATED) + done(1000, 50))
    meter.sent(b"x" * 40)
    assert (meter.usage(), meter.is_complete()) == (Usage(1000, 50), True)
    meter.feed(message(**CREATED))
    assert (meter.usage(), meter.is_complete()) == (Usage(1000 + 1061, 50), False)
    meter.feed(done(1070, 7))
    assert (meter.usage(), meter.is_complete()) == (Usage(2070, 57), True)


def test_telephone_sound_has_fewer_bytes_for_a_token() -> None:
    meter = SessionMeter()
    formats = {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}
    meter.feed(message(type="session.updated", session=formats) + message(**CREATED))
    meter.feed(message(type="response.output_audio.delta", delta=sound(80_000)))
    used = meter.usage()
    assert used is not None
    assert used.audio_output_tokens in (200, 201)


def test_an_answer_that_reports_nothing_is_estimated() -> None:
    meter = SessionMeter()
    meter.feed(message(**CREATED) + said(1) + message(type="response.done", response={"usage": {}}))
    used = meter.usage()
    assert used is not None
    assert used.audio_output_tokens >= 20
    assert not meter.is_complete()
    assert SessionMeter().is_complete()


def test_what_the_model_says_is_no_report() -> None:
    meter = SessionMeter()
    meter.feed(message(**CREATED))
    meter.feed(message(type="response.output_text.delta", delta="response.done"))
    ended = {
        "usage": {"input_tokens": 5, "output_tokens": 2},
        "metadata": {"a": "response.created"},
    }
    assert not meter.is_complete()
    meter.feed(message(type="response.done", response=ended))
    assert (meter.usage(), meter.is_complete()) == (Usage(5, 2), True)


def test_answers_at_the_same_time_are_all_counted() -> None:
    meter = SessionMeter()
    meter.feed(message(**CREATED) * 2 + said(1) + done(10, 20))
    used = meter.usage()
    assert used is not None
    assert used.output_tokens >= 40
    assert not meter.is_complete()
    meter.feed(done(11, 21))
    assert (meter.usage(), meter.is_complete()) == (Usage(21, 41), True)


def test_a_transcription_is_billed_at_the_rates_of_its_model() -> None:
    meter = SessionMeter()
    settings = {"audio": {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}}
    meter.feed(message(type="session.updated", session=settings) + done(10, 2))
    kind = "conversation.item.input_audio_transcription.completed"
    meter.feed(message(type=kind, usage={"type": "duration", "seconds": 3}) * 2)
    used, heard = meter.usage(), Usage(units={"audio_ms": 6000})
    assert used is not None
    assert used.bills == (Bill(Usage(10, 2)), Bill(heard, "gpt-realtime-whisper"))
    assert (used.input_tokens, used.units) == (10, {"audio_ms": 6000})


def test_a_response_over_a_websocket_that_is_cut_is_estimated() -> None:
    meter = ResponsesSocketMeter()
    meter.sent(b'{"type":"response.create","input":"%s"}' % (b"x" * 400))
    meter.feed(message(**CREATED) + message(type="response.output_text.delta", delta="a") * 5)
    used = meter.usage()
    assert used is not None
    assert not meter.is_complete()
    assert (used.input_tokens > 100, used.output_tokens) == (True, 5)
