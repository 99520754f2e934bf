"""CPU time of the gateway's single parts, each alone in this process.

    python -m tests.bench.micro [PART ...]

The least of several rounds counts: what it costs when nothing disturbs it. `client` and `server`
have real sockets and count the system's time with it; the rest has none.
"""

import asyncio
import gc
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from time import process_time
from typing import Any, Final

import uvloop
from multidict import CIMultiDict, CIMultiDictProxy
from tests.bench.gateways import Gateway as Contender
from tests.bench.governance import PLUGINS, governed, redis
from tests.bench.machine import GATEWAY_CPU, Machine, on_cpu, read_result
from tests.bench.translation import ANTHROPIC, OPENAI, Side

from jackfield import Plugin, hookimpl, sse, strict_json
from jackfield._client import Client
from jackfield._gateway import Gateway
from jackfield._loader import Installed
from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield._stream_body import StreamBody
from jackfield.config import parse
from jackfield.errors import GatewayError
from jackfield.exchange import Exchange
from jackfield.http import HttpRequest, HttpResponse
from jackfield.plan import Target
from jackfield.plugin import CallNext
from jackfield.response import Chunk, Outcome, Response
from jackfield_anthropic import Anthropic
from jackfield_openai import OpenAI

PORT: Final = 9107
LONG, SHORT = 51, 11
ROUNDS: Final = 7

Part = Callable[[Machine], Awaitable[dict[str, float]]]


class Idle(Plugin):
    """Implements every hook, and does nothing in any."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        return None

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        return await call_next(target)

    @hookimpl
    async def route(self, exchange: Exchange, plan: Any) -> None:
        return None

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> None:
        return None

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        return None


class Recorded:
    """In the place of a provider's address: gives the same answer at once, every time."""

    def __init__(self, media: str, parts: list[bytes]) -> None:
        self._media = {"Content-Type": media, "x-request-id": "req_mock"}
        self._parts = parts

    async def send(self, *_: object, **__: object) -> "RecordedAnswer":
        return RecordedAnswer(CIMultiDictProxy(CIMultiDict(self._media)), self._parts)


class RecordedAnswer:
    """What the client's own answer is to the gateway."""

    status = 200
    complete = framed = exhausted = True
    sink: Callable[[bytes], bool] | None = None

    def __init__(self, headers: CIMultiDictProxy[str], parts: list[bytes]) -> None:
        self.headers = headers
        self._parts = iter(parts)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for part in self._parts:
            if self.sink is None:
                return part
            if not self.sink(part):
                return b""
        raise StopAsyncIteration

    async def read(self) -> bytes:
        return b"".join(self._parts)

    async def close(self) -> None:
        return None

    def touch(self) -> None:
        return None


class Echo:
    """A handler that does nothing but answer."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def handle_owned(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, [("content-type", "application/json")], self._body)

    handle = handle_owned

    def body_limit(self, method: str, path: str) -> int:
        return 1 << 20

    def refuse(self, error: GatewayError, path: str, request_id: str | None = None) -> HttpResponse:
        return HttpResponse(error.http_status, [], b"")


async def pipeline(machine: Machine) -> dict[str, float]:
    """A whole request through hooks and provider, without server and client."""
    return {
        f"pipeline, a request, {plugins} plugins": await _through(
            plugins, Recorded("application/json", [_completion()])
        )
        for plugins in (0, 1, 8)
    }


async def chunks(machine: Machine) -> dict[str, float]:
    """One chunk of a stream, the same way."""
    found = {}
    for plugins in (0, 8):
        long, short = [
            await _through(plugins, Recorded("text/event-stream", _events(number)), stream=True)
            for number in (LONG, SHORT)
        ]
        found[f"pipeline, a stream of {LONG}, {plugins} plugins"] = long
        found[f"pipeline, a chunk, {plugins} plugins"] = (long - short) / (LONG - SHORT)
    return found


async def texts(machine: Machine) -> dict[str, float]:
    """Reading JSON, and cutting events."""
    body, event = _question(stream=False), _events(3)[1]
    framer, batch = sse.Framer(), _events(3)[1] * 8
    framer.feed(event)
    return {
        "strict_json.decode, a request": await _cost(lambda: strict_json.decode(body), 5000),
        "sse.Framer, a whole event": await _cost(lambda: framer.feed(event), 5000),
        "sse.split, 8 events": await _cost(lambda: sse.split(batch), 5000),
    }


async def client(machine: Machine) -> dict[str, float]:
    """64 callers of the client alone."""
    machine.upstream(latency_us=0, gap_us=0, bytes=1200, events=LONG)

    async with Client() as made:
        origin = made.origin(f"http://127.0.0.1:{PORT}/v1", name="mock")
        body = _question(stream=False)

        async def one() -> None:
            for _ in range(50):
                answer = await origin.send("POST", "/chat/completions", b"", body)
                await answer.read()

        async def many() -> None:
            await asyncio.gather(*(one() for _ in range(64)))

        return {"client, a request": await _cost_async(many, 1) / 64 / 50}


async def server(machine: Machine) -> dict[str, float]:
    """64 clients of the server alone."""
    serving = Server(Echo(_completion()), Limits(max_lag=0))
    await serving.start(bind_all([f"127.0.0.1:{PORT + 1}"]))
    request = Contender(name="server", port=PORT + 1).request()
    costs = []
    for _ in range(3):
        began = process_time()
        load = machine.start_load(request, "--conns 64 --requests 20000")
        result = await asyncio.to_thread(read_result, load)
        costs.append((process_time() - began) / result["good"] * 1e6)
    await serving.drain(1.0)
    return {"server, a request": min(costs)}


async def translation(machine: Machine) -> dict[str, float]:
    """A chat with tools, client and provider of different vendors, less what one vendor costs."""
    found = {}
    for client, provider in ((OPENAI, ANTHROPIC), (ANTHROPIC, OPENAI)):
        plain, long, short = [
            [await _across(client, other, events) for other in (client, provider)]
            for events in (0, LONG, SHORT)
        ]
        name = f"{client.name} client, {provider.name} API, more a"
        found[f"{name} request"] = plain[1] - plain[0]
        chunks = [(long[at] - short[at]) / (LONG - SHORT) for at in (0, 1)]
        found[f"{name} chunk"] = chunks[1] - chunks[0]
    return found


async def governance(machine: Machine) -> dict[str, float]:
    """A request with a key, rate limits and budgets, on both stores."""
    found = {}
    for what, plugins in PLUGINS.items():
        found[f"pipeline, SQLite: {what}"] = await _governed(plugins)
    with tempfile.TemporaryDirectory() as directory, redis(Path(directory)) as store:
        *_, what = PLUGINS
        found[f"pipeline, Redis: {what}"] = await _governed(store + PLUGINS[what])
    return found


async def _governed(plugins: str) -> float:
    with tempfile.TemporaryDirectory() as directory:
        async with governed(plugins, Path(directory)) as (gateway, key):
            gateway.watchdog.stop()
            provider: Any = gateway.providers["openai"]
            provider._origin = Recorded("application/json", [_completion()])
            head = {"authorization": f"Bearer {key}"} if key else {}
            body = _question(stream=False)
            return await _cost_of_requests(gateway, "/v1/chat/completions", body, 2000, head)


async def _across(client: Side, provider: Side, events: int) -> float:
    """One exchange between two vendors, a stream of `events` if there are any."""
    media = "text/event-stream" if events else "application/json"
    parts = provider.events(events) if events else [provider.completion()]
    config = f"[server]\nlog_level = 'error'\nfront_doors = ['{client.plugin}']\n"
    config += f"[providers.{provider.plugin}]\nbase_url = '{provider.base_url}'\n"
    body = client.question(f"{provider.plugin}/m", stream=bool(events))
    plugins: dict[str, type[Plugin]] = {"openai": OpenAI, "anthropic": Anthropic}
    async with Gateway(parse(config), Installed({}, plugins)) as gateway:
        gateway.watchdog.stop()
        held: Any = gateway.providers[provider.plugin]
        held._origin = Recorded(media, parts)
        return await _cost_of_requests(gateway, client.path, body, 200 if events else 2000)


async def _through(plugins: int, origin: Recorded, *, stream: bool = False) -> float:
    tables = "".join(f"[plugins.n{at}]\nuse = 'idle'\n" for at in range(plugins))
    config = f"[server]\nlog_level = 'error'\n[providers.openai]\nbase_url = 'http://127.0.0.1:9/v1'\n{tables}"
    found = Installed({}, {"openai": OpenAI, "idle": Idle})
    body = _question(stream=stream)
    async with Gateway(parse(config), found) as gateway:
        gateway.watchdog.stop()
        provider: Any = gateway.providers["openai"]
        provider._origin = origin
        return await _cost_of_requests(
            gateway, "/v1/chat/completions", body, 200 if stream else 2000
        )


async def _cost_of_requests(
    gateway: Gateway, path: str, body: bytes, number: int, head: Mapping[str, str] | None = None
) -> float:
    usual = {"Host": "127.0.0.1:4747", "Content-Type": "application/json"}
    headers = CIMultiDictProxy(CIMultiDict({**usual, **(head or {})}))

    async def one() -> None:
        request = HttpRequest("POST", path, "", headers, body)
        response = await gateway.frontend.handle_owned(request)
        if response.status != 200:
            raise RuntimeError(f"{path} answered {response.status}: {response.body!r}")
        answer = response.body
        if isinstance(answer, StreamBody):
            answer.divert(lambda _: True)
            async for _ in answer:
                pass
            if answer._error is not None:
                raise answer._error

    return await _cost_async(one, number)


async def _cost(call: Callable[[], object], number: int) -> float:
    async def once() -> None:
        for _ in range(number):
            call()

    return await _cost_async(once, 1) / number


async def _cost_async(call: Callable[[], Coroutine[Any, Any, None]], number: int) -> float:
    """Microseconds of CPU that one call takes."""
    best = float("inf")
    for _ in range(ROUNDS):
        gc.collect()
        began = process_time()
        for _ in range(number):
            await call()
        best = min(best, process_time() - began)
    return best / number * 1e6


def _question(*, stream: bool) -> bytes:
    return Contender(name="question")._body(stream=stream).encode()


def _completion() -> bytes:
    words = b"one gateway for all models " * 28
    return (
        b'{"id":"chatcmpl-mock","object":"chat.completion","created":1760000000,'
        b'"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"%b",'
        b'"refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":42,'
        b'"completion_tokens":128,"total_tokens":170}}' % words
    )


def _events(number: int) -> list[bytes]:
    shape = (
        b'data: {"id":"chatcmpl-mock","object":"chat.completion.chunk","created":1760000000,'
        b'"model":"gpt-4o-mini","service_tier":"default","system_fingerprint":"fp_mock","choices":'
        b'[{"index":0,"delta":{%b},"logprobs":null,"finish_reason":%b}]}\n\n'
    )
    middle = [shape % (b'"content":" gateway"', b"null")] * (number - 1)
    return [*middle, shape % (b"", b'"stop"') + b"data: [DONE]\n\n"]


PARTS: Final[dict[str, Part]] = {
    "pipeline": pipeline,
    "chunks": chunks,
    "translation": translation,
    "governance": governance,
    "texts": texts,
    "client": client,
    "server": server,
}


async def _main(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory, Machine(Path(directory), PORT) as machine:
        on_cpu(GATEWAY_CPU)()
        for name in names or PARTS:
            for part, cost in (await PARTS[name](machine)).items():
                sys.stdout.write(f"{part:42} {cost:8.2f} µs\n")


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1:]))
