"""Opening a WebSocket: what a request must look like, and what an answer proves."""

import asyncio
from typing import TYPE_CHECKING

import pytest
from multidict import CIMultiDict

from jackfield._websocket.handshake import accept_of, is_accepted, new_key, offered, request_lines

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House

FIELDS = {
    "Host": "127.0.0.1",
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def test_the_key_of_the_standard_is_accepted_as_there() -> None:
    assert accept_of("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert new_key() != new_key()


def test_what_is_no_token_is_not_offered() -> None:
    headers = CIMultiDict({"Sec-WebSocket-Protocol": "a, b c,, d/e,é, key.sk-1_2"})
    assert offered(headers) == ["a", "key.sk-1_2"]
    assert b"Sec-WebSocket-Protocol: a, b\r\n" in request_lines("k", ["a", "b"])
    assert b"Protocol" not in request_lines("k", [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Upgrade", "h2c"),
        ("Connection", "keep-alive"),
        ("Sec-WebSocket-Accept", accept_of("another")),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ("Sec-WebSocket-Protocol", "other"),
    ],
)
def test_an_answer_to_another_question_is_not_accepted(name: str, value: str) -> None:
    headers = FIELDS | {"Sec-WebSocket-Accept": accept_of("k")}
    assert is_accepted(CIMultiDict(headers), "k", ("voice",))
    headers[name] = value
    assert not is_accepted(CIMultiDict(headers), "k", ("voice",))


@pytest.mark.parametrize(
    ("line", "changed"),
    [
        ("GET /voice HTTP/1.1", {"Upgrade": "websocket, h2c"}),
        ("GET /voice HTTP/1.1", {"Connection": "close"}),
        ("GET /voice HTTP/1.1", {"Sec-WebSocket-Version": "8"}),
        ("GET /voice HTTP/1.1", {"Sec-WebSocket-Key": "short"}),
        ("GET /voice HTTP/1.1", {"Content-Length": "0"}),
        ("POST /voice HTTP/1.1", {}),
        ("GET /voice HTTP/1.0", {}),
    ],
)
async def test_a_request_that_opens_nothing_is_refused_and_the_connection_closed(
    house: "House", line: str, changed: dict[str, str]
) -> None:
    stage = await house.gateway("http://127.0.0.1:9")
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
    fields = "".join(f"{name}: {value}\r\n" for name, value in (FIELDS | changed).items())
    writer.write(f"{line}\r\n{fields}\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1") == 1
    writer.close()
    assert stage.gateway.settled == []


async def test_a_session_is_opened_in_no_other_way(house: "House") -> None:
    stage = await house.gateway("http://127.0.0.1:9")
    for method in ("GET", "POST", "WEBSOCKET"):
        reader, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        writer.write(f"{method} /voice HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.read()).split(b" ", 2)[1] in (b"400", b"403", b"405")
        writer.close()
