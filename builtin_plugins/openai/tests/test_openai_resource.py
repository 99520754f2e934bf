"""The dialect of what is only passed through."""

import json

import pytest

from jackfield.dialects import Peek
from jackfield.errors import InvalidRequest, Overloaded
from jackfield_openai.resource import ResourceDialect

RESOURCE = ResourceDialect()


def test_it_is_never_translated() -> None:
    assert RESOURCE.translates is False


def test_peek_finds_a_model_where_there_is_one() -> None:
    assert RESOURCE.peek({"model": "tts-1", "stream": True}, {}) == Peek("tts-1", True)
    assert RESOURCE.peek({"input": "x"}, {}) == Peek(None)
    assert RESOURCE.peek(None, {"model": "whisper-1"}) == Peek("whisper-1")
    with pytest.raises(InvalidRequest):
        RESOURCE.peek({"model": 5}, {})


@pytest.mark.parametrize(
    ("event", "mark"),
    [
        (b'data: {"type":"speech.audio.delta","audio":"AA=="}\n\n', None),
        (b'data: {"type":"speech.audio.done","usage":{}}\n\n', "end"),
        (b'event: transcript.text.done\ndata: {"type":"transcript.text.done"}\n\n', "end"),
        (b'data: {"type":"image_generation.partial_image"}\n\n', None),
        (b'data: {"type":"image_generation.completed"}\n\n', "end"),
        (b'data: {"type":"image_edit.completed"}\n\n', "end"),
        (b'event: error\ndata: {"message":"x"}\n\n', "error"),
        (b'data: {"type":"error","error":{"message":"x"}}\n\n', "error"),
        (b"data: [DONE]\n\n", "end"),
        (b": ping\n\n", None),
        (b"data: plain text\n\n", None),
    ],
)
def test_the_last_event_of_a_stream_is_recognised(event: bytes, mark: str | None) -> None:
    assert RESOURCE.terminal(event) == mark
    if mark:
        assert any(hint in event for hint in RESOURCE.terminal_hints)


def test_usage_counts_input_and_output_tokens() -> None:
    usage = {
        "type": "tokens",
        "input_tokens": 9,
        "output_tokens": 4,
        "input_token_details": {"audio_tokens": 8},
    }
    event = json.dumps({"type": "transcript.text.done", "usage": usage}).encode()
    found = RESOURCE.usage(event)
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.audio_input_tokens) == (9, 4, 8)
    meter = RESOURCE.usage_meter()
    meter.feed(b"data: %b\n\n" % event)
    assert meter.usage() == found
    timed = RESOURCE.usage(b'{"usage":{"type":"duration","seconds":9}}')
    assert timed is not None
    assert (timed.total_tokens, timed.units) == (0, {"audio_ms": 9000})
    assert RESOURCE.usage(b"audio") is None


def test_errors_are_openais() -> None:
    error = Overloaded("Try again.")
    assert json.loads(RESOURCE.render_error(error, "r"))["error"]["type"] == "server_error"
    event = RESOURCE.render_error_event(error, "r")
    assert RESOURCE.terminal(event) == "error"
