"""What becomes of requests while the store is away."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import define

from jackfield import Plugin, Setup
from jackfield.store import Acquired, Claim, StoreUnavailable
from jackfield.testing import GatewayClient, run_gateway
from jackfield.testing.memory_store import MemoryStore


@define(eq=False)
class Away(MemoryStore):
    """A store of which nothing can be had."""

    async def acquire(self, owner: str, claims: Sequence[Claim], *, lease: float) -> Acquired:
        raise StoreUnavailable("It is away.")


class AwayPlugin(Plugin):
    """Brings it."""

    brings_store = True

    async def start(self, setup: Setup) -> None:
        setup.add_store(Away())


def gateway(directory: Path, own: str = "") -> Any:
    toml = f"[plugins.away]\n[plugins.rate_limits]\n{own}\n[plugins.rate_limits.limits]\n"
    limits = "all = { requests = 100, tokens = 1000000, concurrent = 9 }\n"
    return run_gateway(toml + limits, {"away": AwayPlugin}, directory=directory)


async def chat(client: GatewayClient) -> Any:
    return await client.chat("Hello", model="fake/echo")


async def test_requests_are_refused_while_the_store_is_away(tmp_path: Path) -> None:
    async with gateway(tmp_path) as client:
        refused = await chat(client)
        assert refused.status == 503
        assert (await refused.json())["error"]["code"] == "rate_limit_unavailable"
        assert client.fake.requests == []


async def test_requests_may_be_let_through_while_the_store_is_away(tmp_path: Path) -> None:
    async with gateway(tmp_path, 'when_unavailable = "allow"') as client:
        for _ in range(5):
            assert (await chat(client)).status == 200
