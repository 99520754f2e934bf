"""The binary framing: any cut is the same stream, and a broken message is an error."""

import json
from contextlib import suppress
from itertools import pairwise
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from jackfield.errors import ProviderError
from jackfield_bedrock import event_stream
from jackfield_bedrock.event_stream import BrokenMessage, encode, encode_event, encode_exception
from jackfield_bedrock.event_stream_framing import CHUNKS, EVENT_STREAM, EventStreamFramer
from jackfield_bedrock.invoke import anthropic_messages

STREAM = b"".join(encode_event("contentBlockDelta", b'{"n":%d}' % n) for n in range(5))
HEADERS = st.dictionaries(
    st.text(min_size=1, max_size=20), st.text(max_size=50), max_size=4
).filter(lambda headers: all(len(name.encode()) < 256 for name in headers))


@given(HEADERS, st.binary(max_size=200))
def test_aws_s_own_reader_reads_what_is_written(headers: dict[str, str], payload: bytes) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(encode(headers, payload))
    (message,) = list(buffer)
    assert (message.headers, message.payload) == (headers, payload)
    again = event_stream.decode(encode(headers, payload))
    assert (again.headers, again.payload) == (headers, payload)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_no_cut_changes_a_stream(cuts: list[int]) -> None:
    framer, out = EventStreamFramer(), b""
    places = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(places):
        out += framer.feed(STREAM[start:end])
        assert out + framer.held == STREAM[:end]
    assert out == STREAM
    assert [EVENT_STREAM.data_of(e) for e in EVENT_STREAM.split(out)] == [
        b'{"n":%d}' % n for n in range(5)
    ]


@given(st.integers(0, len(STREAM) - 1), st.integers(1, 255))
def test_a_changed_byte_is_an_error(place: int, change: int) -> None:
    broken = bytearray(STREAM)
    broken[place] ^= change
    framer = EventStreamFramer()
    with pytest.raises(ProviderError, match="event stream is broken"):
        framer.feed(bytes(broken))


def test_a_length_that_cannot_be_is_an_error_at_once() -> None:
    prelude = (event_stream.MAX_MESSAGE + 1).to_bytes(4, "big") + bytes(4)
    with pytest.raises(ProviderError, match="cannot be"):
        EventStreamFramer().feed(prelude + crc32(prelude).to_bytes(4, "big"))


@given(st.binary(max_size=64))
def test_nothing_that_arrives_makes_it_stumble(data: bytes) -> None:
    framer = EventStreamFramer()
    try:
        assert framer.feed(data) == b""
    except ProviderError:
        return
    assert framer.held == data
    assert EVENT_STREAM.completed(framer.held) == b""


@given(st.binary(max_size=64))
def test_headers_that_cannot_be_read_are_no_crash(headers: bytes) -> None:
    size = 16 + len(headers)
    message = size.to_bytes(4, "big") + len(headers).to_bytes(4, "big") + bytes(4) + headers
    with suppress(BrokenMessage):
        event_stream.decode(message + bytes(4))


def test_a_header_of_another_type_is_passed_over() -> None:
    lines = b"\x01n\x04\x00\x00\x00\x01" + b"\x01t\x00" + b"\x01s\x07\x00\x01v"
    head = (16 + len(lines)).to_bytes(4, "big") + len(lines).to_bytes(4, "big")
    assert event_stream.decode(head + bytes(4) + lines + bytes(4)).headers == {"s": "v"}


def test_other_json_takes_the_place_of_an_events_own() -> None:
    event = encode_event("metadata", b'{"a":1}')
    assert EVENT_STREAM.with_data(event, b'{"b":2}') == encode_event("metadata", b'{"b":2}')
    wrapped = CHUNKS.with_data(b"", b'{"b":2}')
    assert CHUNKS.data_of(wrapped) == b'{"b":2}'
    assert json.loads(event_stream.payload_of(wrapped)) == {"bytes": "eyJiIjoyfQ=="}


def test_a_wrapped_stop_reason_finishes_an_answer() -> None:
    delta = b'{"type":"message_delta","delta":{"stop_reason":%b}}'
    assert anthropic_messages().finishes(CHUNKS.with_data(b"", delta % b'"end_turn"'))
    assert not anthropic_messages().finishes(CHUNKS.with_data(b"", delta % b"null"))


def test_an_exception_reads_as_an_error_of_its_api() -> None:
    event = encode_exception("throttlingException", b'{"message":"Slow down"}')
    data = json.loads(EVENT_STREAM.data_of(event) or b"")
    assert data == {"__type": "ThrottlingException", "message": "Slow down"}
    data = json.loads(CHUNKS.data_of(event) or b"")
    assert data["error"] == {"type": "rate_limit_error", "message": "Slow down"}
    assert CHUNKS.with_data(event, CHUNKS.data_of(event) or b"") == event


def test_content_types_of_event_streams_are_known() -> None:
    assert EVENT_STREAM.frames("application/vnd.amazon.eventstream")
    assert not EVENT_STREAM.frames("text/event-stream")
