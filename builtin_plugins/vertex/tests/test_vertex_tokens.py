"""Tokens: fetched once for all who wait, renewed in time, and kept while they are good."""

import asyncio

import pytest
from attrs import define, field

from jackfield.errors import ProviderError
from jackfield_vertex.tokens import Token, Tokens


@define
class Issuer:
    """Gives tokens one after the other, each good for an hour, unless it is broken."""

    now: float = 0.0
    given: int = 0
    broken: bool = False
    gate: asyncio.Event = field(factory=asyncio.Event)

    async def fetch(self) -> Token:
        await self.gate.wait()
        if self.broken:
            raise ProviderError("No token.")
        self.given += 1
        return Token(f"t{self.given}", 3600.0)

    def clock(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Issuer:
    found = Issuer()
    found.gate.set()
    return found


async def test_all_who_wait_get_the_same_token(issuer: Issuer) -> None:
    issuer.gate.clear()
    tokens = Tokens(issuer.fetch, issuer.clock)
    waiting = [asyncio.create_task(tokens.take()) for _ in range(5)]
    await asyncio.sleep(0)
    issuer.gate.set()
    assert await asyncio.gather(*waiting) == ["t1"] * 5


async def test_that_one_leaves_does_not_end_the_fetch(issuer: Issuer) -> None:
    issuer.gate.clear()
    tokens = Tokens(issuer.fetch, issuer.clock)
    leaving, staying = (asyncio.create_task(tokens.take()) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    issuer.gate.set()
    assert await staying == "t1"


async def test_a_token_is_renewed_before_its_end(issuer: Issuer) -> None:
    tokens = Tokens(issuer.fetch, issuer.clock)
    assert await tokens.take() == "t1"
    issuer.now = 3300.0
    assert await tokens.take() == "t1"
    issuer.now = 3400.0
    assert await tokens.take() == "t2"


async def test_a_token_serves_to_its_end_when_it_cannot_be_renewed(issuer: Issuer) -> None:
    tokens = Tokens(issuer.fetch, issuer.clock)
    await tokens.take()
    issuer.broken = True
    issuer.now = 3500.0
    assert await tokens.take() == "t1"
    issuer.now = 3601.0
    with pytest.raises(ProviderError):
        await tokens.take()
    issuer.broken = False
    assert await tokens.take() == "t2"


async def test_no_fetch_outlives_the_gateway(issuer: Issuer) -> None:
    issuer.gate.clear()
    tokens = Tokens(issuer.fetch, issuer.clock)
    waiting = asyncio.create_task(tokens.take())
    await asyncio.sleep(0)
    await tokens.stop()
    with pytest.raises(asyncio.CancelledError):
        await waiting
