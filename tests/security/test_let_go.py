"""What a request held is free once it is answered: the garbage collector comes too late.

It comes after so many objects, whatever they hold: a few hundred large bodies are enough.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator

import pytest
from tests.security.conftest import config
from tests.security.guards import GOOD_KEY, GUARDS, LOW_KEY
from tests.security.wire import Wire

from jackfield._frontend import LARGE_BODY
from jackfield._gateway import Gateway
from jackfield._loader import installed
from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.config import parse
from jackfield.exchange import Exchange
from jackfield.testing import FakeUpstream, Gate, UpstreamReply
from jackfield.testing.upstream import Framing

CHAT = "/v1/chat/completions"
NOBODY = "http://127.0.0.1:1"
MORE = """
[plugins.key_guard]
[providers.anthropic]
base_url = "%s"
[providers.nobody]
use = "openai"
base_url = "%s"
[models.both]
targets = ["nobody/m", "openai/m"]
"""
LONG = b"x" * LARGE_BODY
BODY = b'{"model": "%b", "messages": [{"role": "user", "content": "%b"}], "stream": %b}'
HEAD = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: %b\r\n"
HEAD += b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
GOOD, LOW = {"Authorization": GOOD_KEY}, {"Authorization": LOW_KEY}


def chat_body(
    model: bytes = b"openai/m", content: bytes = b"Hi", stream: bytes = b"false"
) -> bytes:
    return BODY % (model, content, stream)


REFUSED = {
    "no key": (CHAT, chat_body(), {}),
    "a wrong key": (CHAT, chat_body(), {"Authorization": "wrong"}),
    "a low key": (CHAT, chat_body(), LOW),
    "no key, a large body": (CHAT, chat_body(content=LONG), {}),
    "no key, no JSON": (CHAT, b"{", {}),
    "no key, no JSON in a large body": (CHAT, b'{"x": "' + LONG, {}),
    "no JSON": (CHAT, b"{", GOOD),
    "no JSON in a large body": (CHAT, b'{"x": "' + LONG, GOOD),
    "too deep": (CHAT, b"[" * 100_000, GOOD),
    "no such path": ("/nowhere", chat_body(), GOOD),
    "what is only explained": ("/jackfield/explain", b'{"path": "%b"}' % CHAT.encode(), GOOD),
    "what cannot be translated": (CHAT, b'{"model": "anthropic/m", "messages": [1]}', GOOD),
}


@pytest.fixture
async def guarded(upstream: FakeUpstream) -> AsyncIterator[Wire]:
    document = parse(config(upstream, MORE % (upstream.base_url, NOBODY)))
    async with Gateway(document, installed(GUARDS)) as gateway:
        server, listeners = Server(gateway.frontend, Limits()), bind_all(["127.0.0.1:0"])
        port = listeners[0].getsockname()[1]
        await server.start(listeners)
        yield Wire(port)
        await server.drain(0.0)


@pytest.fixture(autouse=True)
def uncollected() -> Iterator[None]:
    # Exchanges of other tests may live on: until 3.12.4 CPython keeps classes made by a test.
    gc.collect()
    gc.freeze()
    gc.disable()
    yield
    gc.enable()


def held() -> int:
    """How many exchanges of this test there still are."""
    return sum(type(one) is Exchange for one in gc.get_objects())


@pytest.mark.parametrize("why", REFUSED)
async def test_what_is_refused_is_let_go_at_once(guarded: Wire, why: str) -> None:
    path, body, headers = REFUSED[why]
    answer = await guarded.request(path, body=body, headers=headers)
    assert answer.status >= 400 or b'"refused"' in answer.raw
    assert held() == 0


@pytest.mark.parametrize("stream", [b"false", b"true"])
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500])
async def test_what_a_provider_has_answered_is_let_go_at_once(
    guarded: Wire, upstream: FakeUpstream, status: int, stream: bytes
) -> None:
    upstream.always(UpstreamReply(status, (b'{"error": {"message": "No."}}',), framing="length"))
    await guarded.request(body=chat_body(stream=stream), headers=GOOD)
    assert held() == 0


@pytest.mark.parametrize("framing", ["cut", "close"])
async def test_a_stream_that_breaks_off_is_let_go_at_once(
    guarded: Wire, upstream: FakeUpstream, framing: Framing
) -> None:
    upstream.stream([b'data: {"choices": []}\n\n'], framing=framing)
    answer = await guarded.request(body=chat_body(stream=b"true"), headers=GOOD)
    assert b'"error"' in answer.raw
    assert held() == 0


@pytest.mark.parametrize("model", [b"nobody/m", b"both"])
async def test_a_provider_that_is_not_there_holds_nothing(guarded: Wire, model: bytes) -> None:
    answer = await guarded.request(body=chat_body(model), headers=GOOD)
    assert answer.status == (502 if model == b"nobody/m" else 200)
    assert held() == 0


@pytest.mark.parametrize("stream", [b"false", b"true"])
async def test_what_a_caller_no_longer_waits_for_is_let_go(
    guarded: Wire, upstream: FakeUpstream, stream: bytes
) -> None:
    gate = Gate()
    upstream.stream([b'data: {"choices": []}\n\n'] * 2, gate=gate, at=1)
    _, caller = await asyncio.open_connection("127.0.0.1", guarded.port)
    body = chat_body(stream=stream)
    caller.write(HEAD % (GOOD_KEY.encode(), len(body)) + body)
    await gate.reached()
    caller.close()
    async with asyncio.timeout(5):
        while held():  # noqa: ASYNC110 - it tells nobody that it is gone
            await asyncio.sleep(0.01)
