"""Streams whose chunks go from socket to socket in the call that reads them."""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Self

import msgspec
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield import Chunk, Exchange, Plugin, hookimpl, sse
from jackfield._client.answer import Answer
from jackfield._client.room import Room
from jackfield._provider_stream import ProviderStream
from jackfield._scrubber import Scrubber
from jackfield.dialects import Dialect
from jackfield.errors import Forbidden
from jackfield.http_provider import HttpProvider
from jackfield.testing import TESTING_CHAT, GatewayClient, run_gateway

BODY = {"model": "wire/m", "messages": [{"role": "user", "text": "Hi"}], "stream": True}
WORDS = ["one ", "two ", "three ", "four ", "five "]
SEEN: ContextVar[str] = ContextVar("seen", default="nothing")


class Wire(HttpProvider):
    """An API behind a socket that speaks the testing kit's dialect."""

    dialects: ClassVar[tuple[Dialect, ...]] = (TESTING_CHAT,)
    paths: ClassVar[dict[str, str]] = {TESTING_CHAT.name: "/chat"}


class Shaper(Plugin):
    """Does with each text what the test says, and notes what its context holds."""

    mutates = frozenset({"response"})
    shape: ClassVar[Callable[[str], Sequence[str] | None]] = staticmethod(lambda text: None)
    contexts: ClassVar[list[str]] = []

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        SEEN.set(exchange.id)

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        self.contexts.append("same" if SEEN.get() == exchange.id else SEEN.get())
        texts = chunk.texts()
        made = type(self).shape(texts[0].value) if texts else None
        if made is None:
            return None
        return [
            Chunk(b"", TESTING_CHAT, final=True) if text == "STOP" else chunk.with_data(event(text))
            for text in made
        ]


def event(text: str) -> bytes:
    return sse.encode(msgspec.json.encode({"text": text}))


def stream() -> list[bytes]:
    facts: list[dict[str, Any]] = [{"model": "m"}, *({"text": word} for word in WORDS)]
    facts += [{"finish": "stop"}, {"end": True}]
    return [sse.encode(msgspec.json.encode(fact)) for fact in facts]


def text_of(wire: bytes) -> str:
    facts = [msgspec.json.decode(sse.data_of(one) or b"{}") for one in sse.split(wire)]
    return "".join(fact.get("text", "") for fact in facts)


class Dripping:
    """A provider that sends one part of its stream each time that the last one has been read."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = parts
        self._read = asyncio.Event()
        self._over = asyncio.Event()

    def read(self) -> None:
        """Have the next part sent."""
        self._read.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.base_url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._over.wait()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
        leaving = asyncio.create_task(reader.read())  # the rest of the request, and its end
        leaving.add_done_callback(lambda _: self._read.set())
        for part in self._parts:
            if leaving.done():
                break
            writer.write(b"%x\r\n%b\r\n" % (len(part), part))
            await self._read.wait()
            self._read.clear()
        writer.close()
        await leaving
        await writer.wait_closed()
        self._over.set()


async def received(
    client: GatewayClient,
    server: Dripping,
    wants: Callable[[bytes], bool] = lambda _: True,
) -> tuple[list[bytes], list[bytes]]:
    """What was pushed, and all that came, of a stream of which one part comes after the other."""
    answer = await client.post("/testing/chat", json=BODY)
    pushed: list[bytes] = []
    came: list[bytes] = []

    def sink(data: bytes) -> bool:
        pushed.append(data)
        came.append(data)
        server.read()
        return wants(data)

    body: Any = answer._body
    body.divert(sink)
    async for data in body:
        came.append(data)
        server.read()
    return pushed, came


def config(server: Dripping, plugins: str = "") -> str:
    return f'[providers.wire]\nbase_url = "{server.base_url}"\n{plugins}'


KINDS: dict[str, type[Plugin]] = {"wire": Wire, "shaper": Shaper}


async def test_chunks_are_pushed_and_the_end_is_read() -> None:
    async with Dripping(stream()) as server, run_gateway(config(server), KINDS) as client:
        pushed, came = await received(client, server)
        assert b"".join(came) == b"".join(stream())
        assert pushed, "nothing went the short way"
        assert b'"end"' in came[-1]
        assert b'"end"' not in b"".join(pushed)
        assert [one.outcome.kind for one in client.settled] == ["answered"]


async def test_what_has_come_already_is_pushed_at_once() -> None:
    async with Dripping(stream()) as server, run_gateway(config(server), KINDS) as client:
        answer = await client.post("/testing/chat", json=BODY)
        pushed: list[bytes] = []

        def sink(data: bytes) -> bool:
            pushed.append(data)
            return True

        body: Any = answer._body
        body.divert(sink)
        assert pushed == stream()[:1]
        await body.aclose()
        assert [one.outcome.kind for one in client.settled] == ["client_gone"]


@pytest.mark.parametrize("every", [1, 2, 3])
async def test_a_sink_that_wants_a_pause_loses_and_doubles_nothing(every: int) -> None:
    seen: list[bytes] = []

    def wants(data: bytes) -> bool:
        seen.append(data)
        return len(seen) % every != 0

    async with Dripping(stream()) as server, run_gateway(config(server), KINDS) as client:
        _, came = await received(client, server, wants)
        assert b"".join(came) == b"".join(stream())
        assert b"" in came, "the reader was not asked to pause"


async def test_plugins_see_each_chunk_in_the_context_of_their_request() -> None:
    Shaper.shape, Shaper.contexts = staticmethod(lambda text: [text.upper(), "-"]), []
    async with Dripping(stream()) as server:
        async with run_gateway(config(server, "[plugins.shaper]"), KINDS) as client:
            pushed, came = await received(client, server)
        assert text_of(b"".join(came)) == "".join(f"{word.upper()}-" for word in WORDS)
        assert pushed
        assert set(Shaper.contexts) == {"same"}


async def test_a_plugin_that_stops_a_pushed_stream_ends_it_well() -> None:
    Shaper.shape = staticmethod(lambda text: ["three!", "STOP"] if text == "three " else None)
    async with (
        Dripping(stream()) as server,
        run_gateway(config(server, "[plugins.shaper]"), KINDS) as client,
    ):
        _, came = await received(client, server)
        assert text_of(b"".join(came)) == "one two three!"
        assert b"".join(came).endswith(TESTING_CHAT.stop_marker)
        assert [one.outcome.kind for one in client.settled] == ["answered"]


async def test_a_plugin_that_refuses_a_pushed_chunk_ends_it_in_an_error_event() -> None:
    def refuse(text: str) -> None:
        if text == "four ":
            raise Forbidden("No fours here.")

    Shaper.shape = staticmethod(refuse)
    async with (
        Dripping(stream()) as server,
        run_gateway(config(server, "[plugins.shaper]"), KINDS) as client,
    ):
        _, came = await received(client, server)
        assert text_of(b"".join(came)) == "one two three "
        assert b"No fours here." in came[-1]
        assert [one.outcome.kind for one in client.settled] == ["truncated"]


async def test_a_pushed_stream_that_is_cut_ends_in_an_error_event() -> None:
    async with Dripping(stream()[:4]) as server, run_gateway(config(server), KINDS) as client:
        pushed, came = await received(client, server)
        assert text_of(b"".join(pushed)) == "one two three "
        assert b"stream_truncated" in came[-1]
        assert [one.outcome.kind for one in client.settled] == ["truncated"]


class Unread:
    """A transport that nothing is read from, for an answer that a test feeds itself."""

    def abort(self) -> None:
        """Nothing is open."""

    pause_reading = resume_reading = abort


async def test_what_arrives_behind_a_call_is_read_behind_it() -> None:
    loop = asyncio.get_running_loop()
    headers = CIMultiDictProxy(CIMultiDict[str]())
    transport: Any = Unread()
    answer = Answer(200, headers, "wire", transport, loop, 1 << 20, None, Room())
    answer.sink = lambda data: data != b"stop"
    reading = asyncio.ensure_future(anext(answer))
    await asyncio.sleep(0)  # it waits now
    for data in (b"one", b"stop", b"behind"):  # in one turn of the loop
        answer.feed(data)
    assert await reading == b""
    assert await anext(answer) == b"behind"


async def test_what_follows_the_end_is_passed_on_though_the_answer_is_complete_by_then() -> None:
    loop = asyncio.get_running_loop()
    headers = CIMultiDictProxy(CIMultiDict[str]())
    transport: Any = Unread()
    answer = Answer(200, headers, "wire", transport, loop, 1 << 20, None, Room())
    source = ProviderStream(
        *(answer, TESTING_CHAT, "wire", "marker"),
        shown=TESTING_CHAT,
        scrubber=Scrubber(),
        events=True,
    )
    answer.feed(stream()[-1])
    assert await anext(source) == stream()[-1]
    for byte in sse.encode(b"[DONE]"):  # the provider is quick, the reader is not
        answer.feed(bytes((byte,)))
    answer.finish(framed=True)
    assert [rest async for rest in source] == [sse.encode(b"[DONE]")]
