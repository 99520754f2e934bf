"""Name servers that take their time: a thread that waits for one cannot be stopped."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from jackfield.testing import FakeUpstream
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway

TOML = """
[upstream]
retries = 0
fetch_urls = true
[providers.openai]
base_url = "{url}/v1"
[providers.ollama]
base_url = "{url}"
dialects = ["ollama.chat"]
[providers.slow]
use = "openai"
base_url = "https://slow.example"
"""


class NameServer:
    """Answers nobody who asks for a name with `slow` in it, until it is released."""

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.released = threading.Event()
        self._look_up = socket.getaddrinfo

    def __call__(self, host: str, *more: Any, **named: Any) -> list[Any]:
        if "slow" in host:
            self.hosts.append(host)
            self.released.wait(30)
            raise socket.gaierror(socket.EAI_AGAIN, "try again")
        return self._look_up(host, *more, **named)


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server)
    yield server
    server.released.set()


@pytest.fixture
async def gateway(upstream: FakeUpstream, name_server: NameServer) -> AsyncIterator[Any]:
    async with observed_gateway(TOML.format(url=upstream.base_url)) as gateway:
        yield gateway


def chat(model: str, *parts: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": [*parts]}]}


def shown(host: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"https://{host}/a.png"}}


@pytest.mark.parametrize(
    "waiting",
    [
        chat("ollama/m", *[shown(f"slow{n}.example") for n in range(20)]),
        chat("slow/m"),
    ],
    ids=["names in a request", "the name of another provider"],
)
async def test_a_name_that_is_not_found_keeps_nobody_else_waiting(
    gateway: ObservedGateway, name_server: NameServer, waiting: dict[str, Any]
) -> None:
    client = client_of(gateway)
    asking = [
        asyncio.create_task(client.post("/v1/chat/completions", json=waiting)) for _ in range(40)
    ]
    async with asyncio.timeout(5):
        while not name_server.hosts:  # noqa: ASYNC110 - a thread asks
            await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        text = {"type": "text", "text": "x" * (1 << 20)}
        answer = await client.post("/v1/chat/completions", json=chat("openai/m", text))
    assert answer.status == 200
    name_server.released.set()
    await asyncio.gather(*asking, return_exceptions=True)
