"""Sessions whose client or provider breaks the rules, vanishes or falls silent."""

import asyncio
import json
from base64 import b64encode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from jackfield._client import SocketLimits
from jackfield._websocket.frames import CLOSE, TEXT, frame, masked_frame, payload_of, read_close

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House, Stage

HEAD = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive, Upgrade\r\n"
    f"Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    f"{b64encode(bytes(16)).decode()}\r\n"
)


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def open_raw(
    stage: "Stage", more: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A session whose client is a bare connection; `more` is sent before the session is open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    head = HEAD.format(path="/voice?model=up/m")
    writer.write(f"{head}\r\n".encode() + more)
    answer = await reader.readuntil(b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 101 Switching Protocols\r\n"), answer
    assert b"\r\nSec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n" in answer
    return reader, writer


async def read_frames(reader: asyncio.StreamReader) -> list[tuple[int, bytes]]:
    """All that comes until the gateway closes; every frame in it is a short one."""
    data = await reader.read()
    frames = []
    while data:
        size = data[1] if data[1] < 126 else int.from_bytes(data[2:4], "big")
        end = size + (2 if data[1] < 126 else 4)
        frames.append((data[0] & 15, payload_of(data[:end])))
        data = data[end:]
    return frames


async def closed(client: ClientConnection) -> list[Any]:
    """What still comes until the session is closed."""
    received: list[Any] = []
    with suppress(ConnectionClosed):
        async for message in client:
            received.append(message)
    assert client.close_code is not None
    return received


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"without a mask"), 1002),
        (b"\xff\xff\xff\xff", 1002),
        pytest.param(masked_frame(TEXT, b"\xff\xfe"), 1007, id="no UTF-8"),
        pytest.param(masked_frame(CLOSE, b"\x00"), 1002, id="half a close code"),
        (b"\x82\xff" + (1 << 40).to_bytes(8, "big"), 1009),
        (b"\x82\xff" + ((1 << 20) + 1).to_bytes(8, "big"), 1009),
    ],
)
async def test_a_client_that_breaks_the_protocol_gets_an_error(
    house: "House", data: bytes, code: int
) -> None:
    left: asyncio.Queue[int | None] = asyncio.Queue()

    async def listen(connection: ServerConnection) -> None:
        await connection.wait_closed()
        await left.put(connection.close_code)

    stage = await house.gateway(await house.provider(listen))
    reader, writer = await open_raw(stage)
    writer.write(data)
    (received, why), (last, closing) = await read_frames(reader)
    assert (received, json.loads(why)["error"]) == (TEXT, "invalid_request")
    assert (last, read_close(closing)[0]) == (CLOSE, code)
    assert await left.get() == 1001
    assert (await stage.outcome()).kind == "truncated"
    writer.close()


async def test_the_largest_message_passes_and_one_byte_more_does_not(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    async with stage.connect(max_size=None) as client:
        await client.send(b"x" * (1 << 20))
        assert len(await client.recv()) == 1 << 20
        await client.send(b"x" * ((1 << 20) + 1))
        await closed(client)
    assert client.close_code == 1009


async def test_a_client_that_does_not_wait_for_the_answer_loses_nothing(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo))
    reader, writer = await open_raw(stage, masked_frame(TEXT, b"early") + masked_frame(9, b"?"))
    writer.write(masked_frame(TEXT, b"late"))
    wanted = frame(10, b"?") + frame(TEXT, b"early") + frame(TEXT, b"late")
    assert await reader.readexactly(len(wanted)) == wanted
    writer.write(masked_frame(CLOSE, b""))
    assert await read_frames(reader) == [(CLOSE, b"")]
    writer.close()


async def test_a_client_that_vanishes_takes_the_provider_along(house: "House") -> None:
    left: asyncio.Queue[int | None] = asyncio.Queue()

    async def converse(connection: ServerConnection) -> None:
        await connection.send('{"tokens": 5}')
        await connection.wait_closed()
        await left.put(connection.close_code)

    stage = await house.gateway(await house.provider(converse))
    reader, writer = await open_raw(stage)
    await reader.readexactly(15)
    writer.transport.abort()
    assert await left.get() == 1001
    outcome = await stage.outcome()
    assert (outcome.kind, outcome.usage.output_tokens) == ("client_gone", 5)


async def test_a_client_that_vanishes_before_the_provider_has_agreed(house: "House") -> None:
    requested, ended = asyncio.Event(), asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        requested.set()
        assert await reader.read() == b""
        ended.set()
        writer.close()

    async with await asyncio.start_server(never, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stage = await house.gateway(f"http://127.0.0.1:{port}")
        _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(f"{HEAD.format(path='/voice?model=up/m')}\r\n".encode())
        await requested.wait()
        writer.transport.abort()
        await ended.wait()
    assert (await stage.outcome()).kind == "client_gone"


async def leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A provider that is gone in the middle of a message."""
    writer.write(frame(TEXT, b'{"tokens": 2}') + frame(TEXT, b"cut off")[:-3])


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(frame(TEXT, b'{"tokens": 2}'))
    await reader.read(1)
    writer.transport.abort()


async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(frame(TEXT, b'{"tokens": 2}') + b"HTTP/1.1 200 OK\r\n\r\n")
    await reader.read()


async def booms(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(frame(TEXT, b'{"tokens": 2}') + b"\x82\x7f" + (1 << 30).to_bytes(8, "big"))
    await reader.read()


@pytest.mark.parametrize(
    ("provider", "error"),
    [
        (leaves, "stream_truncated"),
        (resets, "stream_truncated"),
        (babbles, "provider_unavailable"),
        (booms, "provider_unavailable"),
    ],
)
async def test_a_provider_that_breaks_off_is_never_taken_for_one_that_is_done(
    house: "House", provider: Any, error: str
) -> None:
    stage = await house.gateway(await house.raw_provider(provider))
    async with stage.connect() as client:
        with suppress(ConnectionClosed):
            await client.send("go on")
        received = await closed(client)
    assert received[0] == '{"tokens": 2}'
    assert json.loads(received[1])["error"] == error
    assert client.close_code == 1011
    outcome = await stage.outcome()
    assert (outcome.kind, outcome.usage.output_tokens) == ("truncated", 2)


@pytest.mark.parametrize(("limit", "words"), [("idle", "message"), ("total", "end the session")])
async def test_a_session_that_lasts_too_long_is_ended(
    house: "House", limit: str, words: str
) -> None:
    url = await house.provider(echo)
    stage = await house.gateway(url, f"[providers.up.realtime]\n{limit} = 0.1\n")
    async with stage.connect() as client:
        error, *rest = await closed(client)
    assert words in json.loads(error)["message"]
    assert not rest
    assert client.close_code == 1011
    assert (await stage.outcome()).kind == "truncated"


async def test_a_client_without_a_sign_of_life_is_given_up(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo), ping_seconds=0.05)
    reader, writer = await open_raw(stage)
    assert await reader.readexactly(2) == frame(9, b"")
    assert set(await read_frames(reader)) <= {(9, b"")}
    assert (await stage.outcome()).kind == "client_gone"
    writer.close()


async def test_a_client_that_answers_pings_may_be_silent(house: "House") -> None:
    stage = await house.gateway(await house.provider(echo), ping_seconds=0.05)
    reader, writer = await open_raw(stage)
    for _ in range(4):
        assert await reader.readexactly(2) == frame(9, b"")
        writer.write(masked_frame(10, b""))
    writer.write(masked_frame(TEXT, b"here") + masked_frame(CLOSE, b""))
    assert (CLOSE, b"") in await read_frames(reader)
    assert (await stage.outcome()).kind == "answered"
    writer.close()


async def test_a_provider_without_a_sign_of_life_is_given_up(
    house: "House", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    def quick(**limits: Any) -> SocketLimits:
        return SocketLimits(**limits, ping=0.05)

    monkeypatch.setattr("jackfield.realtime.SocketLimits", quick)
    stage = await house.gateway(await house.raw_provider(silent))
    async with stage.connect() as client:
        (error,) = await closed(client)
    assert "sign of life" in json.loads(error)["message"]


async def test_a_provider_that_does_not_say_goodbye_is_not_waited_for(
    house: "House", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    def quick(**limits: Any) -> SocketLimits:
        return SocketLimits(**limits, close=0.05)

    monkeypatch.setattr("jackfield.realtime.SocketLimits", quick)
    stage = await house.gateway(await house.raw_provider(reset))
    async with stage.connect() as client:
        await client.close(4000, "bye")
    assert client.close_code == 4000
    assert (await stage.outcome()).kind == "answered"
