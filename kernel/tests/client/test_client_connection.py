"""One connection, its provider played by hand: bytes in any packets, and awkward moments."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield._client import Answer
from jackfield._client.connection import Connection, Owner, Request
from jackfield.errors import ProviderError
from jackfield.timeouts import Timeouts

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
HEADS = b"HTTP/1.1 103 Early Hints\r\n\r\n" + CHUNKED
cuts = st.lists(st.integers(0, 2000), max_size=30)


class SilentTransport(asyncio.Transport):
    """Takes everything and says nothing; the test plays the provider."""

    closed = False
    unsent = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def abort(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return self.unsent


def chunked(pieces: list[bytes]) -> bytes:
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece)
    return HEADS + framed + b"0\r\n\r\n"


def split(data: bytes, at: list[int]) -> list[bytes]:
    places = sorted({place % (len(data) + 1) for place in at} | {0, len(data)})
    return [data[start:end] for start, end in pairwise(places)]


def connect(idle: list[Connection]) -> tuple[Connection, SilentTransport]:
    owner = Owner("acme", 2**20, 30.0, idle.append, lambda _: None)
    connection = Connection(owner, asyncio.get_running_loop())
    transport = SilentTransport()
    connection.connection_made(transport)
    return connection, transport


async def begin(connection: Connection) -> asyncio.Task[Answer]:
    request = Request(b"", b"", True, Timeouts(), asyncio.get_running_loop().time())
    task = asyncio.ensure_future(connection.exchange(request))
    await asyncio.sleep(0)
    return task


async def receive(packets: list[bytes]) -> tuple[int, bytes, int, bool]:
    """Status, body, connections given back, and whether the answer was complete."""
    idle: list[Connection] = []
    connection, _ = connect(idle)
    task = await begin(connection)
    for packet in packets:
        connection.data_received(packet)
    connection.connection_lost(None)
    answer = await task
    body = b"".join([piece async for piece in answer])
    return answer.status, body, len(idle), answer.complete


@given(st.lists(st.binary(max_size=80), max_size=8), cuts)
@settings(max_examples=150, deadline=None)
def test_a_chunked_answer_survives_any_split(pieces: list[bytes], at: list[int]) -> None:
    data = chunked(pieces)
    assert asyncio.run(receive(split(data, at))) == (200, b"".join(pieces), 1, True)


@given(st.binary(max_size=300), cuts)
@settings(max_examples=150, deadline=None)
def test_an_answer_with_a_length_survives_any_split(body: bytes, at: list[int]) -> None:
    data = b"HTTP/1.1 429 No\r\nContent-Length: %d\r\nX-A: b\r\n\r\n%b" % (len(body), body)
    assert asyncio.run(receive(split(data, at))) == (429, body, 1, True)


@given(st.binary(max_size=300), cuts)
@settings(max_examples=100, deadline=None)
def test_an_answer_until_the_end_survives_any_split(body: bytes, at: list[int]) -> None:
    data = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + body
    assert asyncio.run(receive(split(data, at))) == (200, body, 0, True)


@given(st.integers(1, 400), cuts)
@settings(max_examples=150, deadline=None)
def test_a_cut_answer_is_never_complete(kept: int, at: list[int]) -> None:
    data = chunked([b"data: something\n\n"] * 12)
    cut = data[: min(kept, len(data) - 1)]
    try:
        *_, complete = asyncio.run(receive(split(cut, at)))
    except ProviderError:
        return
    assert not complete


@given(st.binary(max_size=400), cuts)
@settings(max_examples=300, deadline=None)
def test_random_bytes_raise_nothing_but_a_provider_error(noise: bytes, at: list[int]) -> None:
    for start in (b"", CHUNKED):
        try:
            asyncio.run(receive(split(start + noise, at)))
        except ProviderError:
            continue


@pytest.mark.parametrize("whole", [True, False])
async def test_cancelling_as_the_answer_comes_drops_it_unless_it_is_whole(whole: bool) -> None:
    idle: list[Connection] = []
    connection, transport = connect(idle)
    task = await begin(connection)
    connection.data_received(chunked([b"data"]) if whole else CHUNKED)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert transport.closed is not whole
    assert bool(idle) is whole


async def test_an_answer_that_comes_after_the_cancellation_is_not_kept() -> None:
    connection, transport = connect([])
    task = await begin(connection)
    task.cancel()
    connection.data_received(CHUNKED)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert transport.closed


async def test_bytes_that_were_not_requested_close_the_connection() -> None:
    connection, transport = connect([])
    connection.data_received(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
    assert transport.closed


@pytest.mark.parametrize("rest", [b"HTTP", b"HTTP/1.1 200 OK\r\nX: a\x00\r\nY"])
async def test_a_connection_with_bytes_left_over_does_not_rest(rest: bytes) -> None:
    idle: list[Connection] = []
    connection, transport = connect(idle)
    task = await begin(connection)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + rest)
    assert transport.closed
    assert not idle
    await asyncio.gather(task, return_exceptions=True)


async def test_an_answer_before_the_request_has_left_ends_the_connection() -> None:
    idle: list[Connection] = []
    connection, transport = connect(idle)
    transport.unsent = 1
    task = await begin(connection)
    connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
    assert await (await task).read() == b"no"
    assert transport.closed
    assert not idle
