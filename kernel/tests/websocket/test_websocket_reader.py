"""The reader of frames, against the protocol's own words and against another implementation."""

import contextlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from jackfield._websocket import BrokenProtocol, FrameReader, Message
from jackfield._websocket.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    close_payload,
    frame,
    masked_frame,
)


def read(data: bytes, *, masked: bool = False, cap: int = 1000, cut: int = 0) -> list[Message]:
    reader = FrameReader(masked=masked, max_message=cap)
    size = cut or len(data) or 1
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return [message for part in parts for message in reader.feed(part)]


def fragment(opcode: int, payload: bytes) -> bytes:
    whole = frame(opcode, payload)
    return bytes([whole[0] & 0x7F]) + whole[1:]


@pytest.mark.parametrize("cut", [1, 7, 0])
@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536, 200_000])
@pytest.mark.parametrize("masked", [False, True])
def test_a_message_is_read_as_it_was_written(size: int, cut: int, masked: bool) -> None:
    message = Message(BINARY, bytes(range(256)) * (size // 256) + bytes(size % 256))
    write = masked_frame if masked else frame
    cut = cut if size < 70_000 else cut * 1000
    assert read(write(*message) * 2, masked=masked, cap=size, cut=cut) == [message] * 2


def test_fragments_are_put_together_around_a_ping() -> None:
    data = fragment(TEXT, "é".encode()[:1]) + frame(PING, b"?")
    data += fragment(CONTINUATION, b"") + frame(CONTINUATION, "é".encode()[1:])
    assert read(data) == [Message(PING, b"?"), Message(TEXT, "é".encode())]


def test_nothing_is_read_behind_a_close_frame() -> None:
    closing = Message(CLOSE, close_payload(4001, "so"))
    assert read(frame(*closing) + frame(TEXT, b"more")) == [closing]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xc1\x00", 1002),  # RSV1
        (b"\x83\x00", 1002),  # an opcode that is none
        pytest.param(masked_frame(TEXT, b"a"), 1002, id="a mask"),
        (fragment(PING, b""), 1002),
        (b"\x89\x7e\x00\x7e" + bytes(126), 1002),  # a ping that is too long
        (frame(CONTINUATION, b"a"), 1002),
        (fragment(TEXT, b"a") + frame(TEXT, b"b"), 1002),
        (fragment(TEXT, b"") + frame(TEXT, b"b"), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(CLOSE, b"\x03"), 1002),
        (frame(CLOSE, b"\x03\xed"), 1002),  # 1005 must not be sent
        (frame(CLOSE, close_payload(999)), 1002),
        (frame(CLOSE, close_payload(1000) + b"\xff"), 1007),
        (b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 1009),
        (b"\x82\x7e\x03\xe9", 1009),  # 1001 bytes are announced: none has to come
        (fragment(TEXT, b"a" * 600) + b"\x00\x7e\x02\x00", 1009),
    ],
)
def test_what_the_protocol_forbids_is_refused_behind_what_came_before(
    data: bytes, code: int
) -> None:
    reader = FrameReader(masked=False, max_message=1000)
    before = reader.feed(frame(TEXT, b"before") + data)
    assert next(before) == Message(TEXT, b"before")
    with pytest.raises(BrokenProtocol) as caught:
        list(before)
    assert caught.value.code == code
    assert reader.closed
    assert list(reader.feed(frame(TEXT, b"after"))) == []


def test_a_frame_without_its_mask_is_refused() -> None:
    with pytest.raises(BrokenProtocol, match="lacks its mask"):
        read(frame(TEXT, b"a"), masked=True)


def their_reading(data: bytes) -> Iterator[Message]:
    """What another implementation makes of the bytes, up to a text that is none."""
    protocol = ClientProtocol(parse_uri("ws://localhost/"), max_size=1000, state=OPEN)
    protocol.receive_data(data)
    parts = b""
    opcode = TEXT
    for one in protocol.events_received():
        assert isinstance(one, Frame)
        if one.opcode >= CLOSE:
            yield Message(one.opcode, bytes(one.data))
            continue
        opcode = one.opcode or opcode
        parts += bytes(one.data)
        if one.fin:
            if opcode == TEXT and not _is_text(parts):
                return
            yield Message(opcode, parts)
            parts = b""


sane = st.builds(
    lambda opcode, payload, whole: (frame if whole else fragment)(opcode, payload),
    st.sampled_from([CONTINUATION, TEXT, BINARY, CLOSE, PING]),
    st.one_of(st.binary(max_size=130), st.text(max_size=20).map(str.encode)),
    st.booleans(),
)


@given(st.lists(st.one_of(sane, st.binary(max_size=12)), max_size=6), st.integers(1, 40))
def test_any_bytes_are_read_as_another_implementation_reads_them(
    pieces: list[bytes], cut: int
) -> None:
    data = b"".join(pieces)
    reader = FrameReader(masked=False, max_message=1000)
    found: list[Message] = []
    with contextlib.suppress(BrokenProtocol):
        for at in range(0, len(data), cut):
            found.extend(reader.feed(data[at : at + cut]))
    expected = list(their_reading(data))
    if len(found) > len(expected) and found[-1].opcode == CLOSE:
        found.pop()  # they refuse a close frame amid the fragments of a message
    assert found == expected


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
