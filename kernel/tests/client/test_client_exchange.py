"""What goes out and what comes back when the provider behaves."""

import asyncio
import json
import os
import subprocess
import sys

import pytest
from tests.faults.faultd import Faultd

from jackfield._client import Client, Origin, header_lines
from jackfield.errors import InvalidRequest
from jackfield.timeouts import Timeouts

HEAD = header_lines([("Content-Type", "application/json"), ("Authorization", "Bearer key")])


async def read(origin: Origin, body: bytes = b"{}") -> bytes:
    answer = await origin.send("POST", "/chat/completions", HEAD, body)
    return await answer.read()


async def test_a_request_arrives_with_its_headers_and_its_body(
    origin: Origin, upstream: Faultd
) -> None:
    await read(origin, b'{"model":"m"}')
    record = upstream.ledger.last()
    assert (record.method, record.path, record.body) == (
        "POST",
        "/chat/completions",
        b'{"model":"m"}',
    )
    assert record.headers == {
        "host": f"127.0.0.1:{upstream.port}",
        "content-type": "application/json",
        "authorization": "Bearer key",
        "content-length": "13",
    }


async def test_the_base_url_s_path_is_a_prefix(client: Client, upstream: Faultd) -> None:
    origin = client.origin(f"{upstream.base_url}/v1/", name="acme")
    await origin.send("GET", "/models?limit=2")
    assert upstream.ledger.last().path == "/v1/models?limit=2"
    assert "content-length" not in upstream.ledger.last().headers


async def test_an_answer_has_status_headers_and_body(origin: Origin) -> None:
    answer = await origin.send("POST", "/", HEAD, b"{}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(await answer.read())["object"] == "chat.completion"
    assert answer.complete


async def test_a_stream_is_yielded_as_it_comes_and_ends_complete(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("slow-sse-20")
    answer = await origin.send("POST", "/", HEAD, b"{}")
    pieces = [piece async for piece in answer]
    assert len(pieces) > 1
    assert b"".join(pieces).count(b"data: ") == 5
    assert (answer.complete, answer.framed) == (True, True)


async def test_the_wait_for_an_answer_allows_for_the_time_that_a_large_request_takes(
    client: Client,
) -> None:
    async def take_slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        part = b""
        while not part.endswith(b"end"):
            await asyncio.sleep(0.01)
            part = await reader.read(1 << 18)
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(take_slowly, "127.0.0.1", limit=1 << 17)
    async with server:
        port = server.sockets[0].getsockname()[1]
        url, timeouts = f"http://127.0.0.1:{port}", Timeouts(first_byte=0.4)
        origin = client.origin(url, name="acme", timeouts=timeouts)
        answer = await origin.send("POST", "/", HEAD, b"x" * (1 << 24) + b"end")
        assert answer.status == 204


async def test_requests_one_after_the_other_share_a_connection(
    origin: Origin, upstream: Faultd
) -> None:
    for _ in range(5):
        await read(origin)
    assert upstream.ledger.connections == 1


@pytest.mark.parametrize("fault", ["old", "last"])
async def test_a_connection_that_ends_is_not_used_again(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault)
    await read(origin)
    await read(origin)
    assert upstream.ledger.connections == 2


async def test_a_head_request_has_no_body_and_the_connection_goes_on(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("head", "json", "head")
    for method in ("HEAD", "POST", "HEAD"):
        answer = await origin.send(method, "/")
        assert bool(await answer.read()) is (method == "POST")
    assert upstream.ledger.connections == 1


@pytest.mark.parametrize(("fault", "status"), [("no-content", 204), ("redirect", 307)])
async def test_an_answer_may_have_no_body(
    origin: Origin, upstream: Faultd, fault: str, status: int
) -> None:
    upstream.script(fault)
    answer = await origin.send("POST", "/")
    assert answer.status == status
    assert await answer.read() == b""
    assert upstream.ledger.connections == len(upstream.ledger.records) == 1


async def test_interim_answers_are_skipped(origin: Origin, upstream: Faultd) -> None:
    upstream.script("interim-8")
    answer = await origin.send("POST", "/")
    assert answer.status == 200
    assert "link" not in answer.headers
    assert await answer.read()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 3_000_000])
async def test_bodies_of_any_size_go_both_ways(origin: Origin, upstream: Faultd, size: int) -> None:
    upstream.script("echo")
    assert await read(origin, b"x" * size) == b"x" * size


@pytest.mark.parametrize(
    "path", ["", "relative", "/a b", "/a\r\nX: y", "/a\nb", "/a\x00", "/é", "http://elsewhere/"]
)
async def test_a_path_that_cannot_be_sent_is_refused(
    origin: Origin, upstream: Faultd, path: str
) -> None:
    with pytest.raises(InvalidRequest):
        await origin.send("POST", path)
    with pytest.raises(InvalidRequest):
        await origin.send("GET /x", "/")
    assert not upstream.ledger.connections


def test_without_the_c_parser_there_is_no_client() -> None:
    code = "from jackfield._client import Client; Client()"
    environment = {**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "ConfigError: aiohttp has no C parser" in run.stderr
