"""A gateway before a provider on loopback, in this process and behind a real listener."""

import json
from collections.abc import AsyncIterator

import pytest
from tests.security.wire import Wire

from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway

KEY = "acme-7f3Qw9ZtLm2XcV5bN8rKpD"
COMPLETION = json.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hello"},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
).encode()


def config(upstream: FakeUpstream, more: str = "") -> str:
    """One provider, whose key is in the environment, that gets one request."""
    return f"""
    [upstream]
    retries = 0
    [providers.openai]
    base_url = "{upstream.base_url}/v1"
    keys = ["env:ACME_KEY"]
    {more}
    """


@pytest.fixture
async def upstream(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeUpstream]:
    monkeypatch.setenv("ACME_KEY", KEY)
    async with FakeUpstream() as upstream:
        upstream.always(UpstreamReply(200, (COMPLETION,), framing="length"))
        yield upstream


@pytest.fixture
async def gateway(upstream: FakeUpstream) -> AsyncIterator[ObservedGateway]:
    async with observed_gateway(config(upstream)) as gateway:
        assert isinstance(gateway, ObservedGateway)
        yield gateway


@pytest.fixture
def client(gateway: ObservedGateway) -> GatewayClient:
    return client_of(gateway)


@pytest.fixture
async def wire(gateway: ObservedGateway) -> AsyncIterator[Wire]:
    server = Server(gateway.frontend, Limits())
    listeners = bind_all(["127.0.0.1:0"])
    port = listeners[0].getsockname()[1]
    await server.start(listeners)
    yield Wire(port)
    await server.drain(0.0)
