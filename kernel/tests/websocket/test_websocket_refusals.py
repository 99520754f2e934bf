"""Providers that open no session, or answer the handshake wrongly."""

import asyncio
import json
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request
from websockets.http11 import Response as Refusal

from jackfield._websocket.frames import TEXT, frame
from jackfield._websocket.handshake import accept_of

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


@pytest.mark.parametrize(
    ("status", "shown"), [(401, 502), (403, 502), (404, 404), (429, 429), (500, 500), (503, 503)]
)
async def test_a_providers_refusal_is_passed_on_before_the_session_opens(
    house: "House", status: int, shown: int
) -> None:
    def refuse(connection: ServerConnection, request: Request) -> Refusal:
        headers = Headers(
            {"Content-Type": "text/plain", "Retry-After": "20", "Content-Length": "5"}
        )
        return Refusal(status, HTTPStatus(status).phrase, headers, b"never")

    stage = await house.gateway(await house.provider(echo, process_request=refuse))
    with pytest.raises(InvalidStatus) as caught:
        await stage.connect()
    response = caught.value.response
    assert response.status_code == shown
    assert json.loads(response.body or b"")["error"] == "provider_error"
    assert (await stage.outcome()).kind == ("refused" if shown < 500 else "failed")


async def test_a_provider_that_answers_without_a_session_has_none(house: "House") -> None:
    def answer(connection: ServerConnection, request: Request) -> Refusal:
        return Refusal(200, "OK", Headers({"Content-Length": "2"}), b"{}")

    stage = await house.gateway(await house.provider(echo, process_request=answer))
    with pytest.raises(InvalidStatus) as caught:
        await stage.connect()
    assert caught.value.response.status_code == 502


async def test_a_key_that_is_refused_gives_way_to_the_next(
    house: "House", monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(connection: ServerConnection, request: Request) -> Refusal | None:
        if request.headers["authorization"] == "Bearer sk-provider":
            return Refusal(401, "No", Headers({"Content-Length": "0"}), b"")
        return None

    monkeypatch.setenv("SECOND_KEY", "sk-second")
    url = await house.provider(echo, process_request=check)
    keys = 'keys = ["env:UP_KEY", "env:SECOND_KEY"]'
    more = f'[providers.two]\nuse = "voice"\nbase_url = "{url}"\n{keys}\n'
    stage = await house.gateway(url, more)
    for _ in range(3):
        async with stage.connect("/voice?model=two/m") as client:
            await client.send("hello")
            assert await client.recv() == "hello"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching\r\nno colon here\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nX-Long: " + b"x" * 20_000,
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 10",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"",
    ],
    ids=["malformed", "endless", "another protocol", "cut", "no http", "nothing"],
)
async def test_an_answer_that_is_none_is_an_error_of_the_provider(
    house: "House", answer: bytes
) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(babble, "127.0.0.1", 0) as server:
        stage = await house.gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(InvalidStatus) as caught:
            await stage.connect()
    assert caught.value.response.status_code == 502


async def test_an_answer_may_come_in_pieces_and_with_the_first_message(house: "House") -> None:
    async def dribble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = head.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        lines = (
            f"connection: upgrade\r\nupgrade: WebSocket\r\nsec-websocket-accept: {accept_of(key)}"
        )
        answer = f"HTTP/1.1 101 Switching Protocols\r\n{lines}\r\n\r\n".encode()
        for part in (answer[:5], answer[5:40], answer[40:-2], answer[-2:] + frame(TEXT, b"hi")):
            writer.write(part)
            await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(dribble, "127.0.0.1", 0) as server:
        stage = await house.gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        async with stage.connect() as client:
            assert await client.recv() == "hi"


async def test_another_target_is_tried_when_the_first_refuses(house: "House") -> None:
    def refuse(connection: ServerConnection, request: Request) -> Refusal:
        return Refusal(503, "Busy", Headers({"Content-Length": "0"}), b"")

    busy = await house.provider(echo, process_request=refuse)
    more = f'[providers.busy]\nuse = "voice"\nbase_url = "{busy}"\n'
    more += '[models.any]\ntargets = ["busy/m"]\nfallbacks = ["up/n"]\n'
    stage = await house.gateway(await house.provider(echo), more)
    async with stage.connect("/voice?model=any"):
        pass
    assert house.paths == ["/v1/talk?model=n"]


async def test_an_answer_that_does_not_fit_the_question_opens_nothing(house: "House") -> None:
    async def accept_wrongly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
        )
        await reader.read()
        writer.close()

    async with await asyncio.start_server(accept_wrongly, "127.0.0.1", 0) as server:
        stage = await house.gateway(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        with pytest.raises(InvalidStatus) as caught:
            await stage.connect()
    assert caught.value.response.status_code == 502
