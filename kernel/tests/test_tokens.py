"""Tokens: fetched once for all who wait, renewed in time, kept while they are good, never shown."""

import asyncio

import pytest
from attrs import define, field

from jackfield.errors import ProviderError
from jackfield.secrets import Secret
from jackfield.tokens import Token, Tokens


@define
class Issuer:
    """Gives tokens one after the other, each good for an hour, unless it is broken."""

    now: float = 0.0
    fetches: int = 0
    broken: bool = False
    gate: asyncio.Event = field(factory=asyncio.Event)
    hidden: dict[str, Secret] = field(factory=dict)

    def tokens(self) -> Tokens:
        return Tokens(self.fetch, self.hidden.__setitem__, clock=lambda: self.now)

    async def fetch(self) -> Token:
        self.fetches += 1
        await self.gate.wait()
        if self.broken:
            raise ProviderError("No token.")
        return Token(f"t{self.fetches}", 3600.0)


@pytest.fixture
def issuer() -> Issuer:
    found = Issuer()
    found.gate.set()
    return found


async def settled() -> None:
    """Let the tasks that are ready run to their end."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_wait_get_the_same_token(issuer: Issuer) -> None:
    issuer.gate.clear()
    tokens = issuer.tokens()
    waiting = [asyncio.create_task(tokens.take()) for _ in range(5)]
    await settled()
    issuer.gate.set()
    assert await asyncio.gather(*waiting) == ["t1"] * 5
    assert await tokens.take() == "t1"


async def test_that_one_leaves_does_not_end_the_fetch(issuer: Issuer) -> None:
    issuer.gate.clear()
    tokens = issuer.tokens()
    leaving, staying = (asyncio.create_task(tokens.take()) for _ in range(2))
    await settled()
    leaving.cancel()
    issuer.gate.set()
    assert await staying == "t1"
    assert issuer.fetches == 1


async def test_nobody_waits_for_the_renewal_of_a_token_that_is_good(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.take()
    issuer.now = 3299.0
    assert await tokens.take() == "t1"
    assert issuer.fetches == 1
    issuer.now = 3300.0
    issuer.gate.clear()
    assert [await tokens.take() for _ in range(3)] == ["t1"] * 3
    issuer.gate.set()
    await settled()
    assert await tokens.take() == "t2"
    assert issuer.fetches == 2


async def test_a_token_about_to_end_is_waited_for(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.take()
    issuer.now = 3595.0
    assert await tokens.take() == "t2"


async def test_a_token_that_cannot_be_renewed_serves_to_its_end(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.take()
    issuer.broken = True
    for issuer.now in (3400.0, 3500.0, 3599.0):
        assert await tokens.take() == "t1"
        await settled()
    issuer.now = 3600.0
    with pytest.raises(ProviderError):
        await tokens.take()
    issuer.broken = False
    assert await tokens.take() == f"t{issuer.fetches}"


async def test_a_renewal_that_failed_is_not_tried_again_at_once(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.take()
    issuer.broken, issuer.now = True, 3400.0
    for _ in range(3):
        await tokens.take()
        await settled()
    assert issuer.fetches == 2
    issuer.now = 3410.0
    await tokens.take()
    await settled()
    assert issuer.fetches == 3


async def test_the_first_refusal_is_not_kept(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    issuer.broken = True
    with pytest.raises(ProviderError):
        await tokens.take()
    issuer.broken = False
    assert await tokens.take() == "t2"


async def test_a_token_that_the_api_refuses_is_renewed_once(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.take()
    issuer.now = 60.0
    for _ in range(3):
        assert tokens.forget("t1")
        assert await tokens.take() == "t2"
    assert not tokens.forget("t2")
    assert await tokens.take() == "t2"


async def test_a_refused_token_does_not_serve_on(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.take()
    issuer.now, issuer.broken = 60.0, True
    tokens.forget("t1")
    with pytest.raises(ProviderError):
        await tokens.take()


async def test_each_token_is_hidden_and_so_is_the_one_before(issuer: Issuer) -> None:
    tokens = issuer.tokens()
    await tokens.take()
    assert issuer.hidden == {"token": Secret("t1")}
    issuer.now = 4000.0
    await tokens.take()
    assert issuer.hidden == {"token": Secret("t2"), "token before": Secret("t1")}
    assert "t2" not in repr(tokens) + repr(Token("t2", 1.0))


async def test_no_fetch_outlives_its_owner(issuer: Issuer) -> None:
    issuer.gate.clear()
    tokens = issuer.tokens()
    waiting = asyncio.create_task(tokens.take())
    await settled()
    await tokens.stop()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await tokens.stop()
