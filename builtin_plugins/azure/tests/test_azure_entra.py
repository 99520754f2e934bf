"""Tokens of Entra: fetched once for all who wait, renewed in time, never shown."""

import asyncio
import json
import time
from collections.abc import Callable
from urllib.parse import parse_qs

import pytest
from attrs import define

from jackfield.errors import ProviderError, ProviderUnavailable
from jackfield.secrets import Secret
from jackfield.testing import Gate
from jackfield_azure.entra import EntraTokens, Post

SECRET = "made-up-secret"


HIDDEN: list[Secret] = []


def granted(token: str, seconds: float = 3600) -> tuple[int, bytes]:
    answer = {"token_type": "Bearer", "access_token": token, "expires_in": seconds}
    return 200, json.dumps(answer).encode()


def tokens(post: Post, clock: Callable[[], float] = time.monotonic) -> EntraTokens:
    scope = "https://x/.default"
    return EntraTokens("up", "tenant", "client", scope, Secret(SECRET), post, HIDDEN.append, clock)


def telling(*answers: tuple[int, bytes]) -> tuple[Post, list[tuple[str, bytes]]]:
    asked: list[tuple[str, bytes]] = []
    waiting = list(answers)

    async def post(path: str, form: bytes) -> tuple[int, bytes]:
        asked.append((path, form))
        if not waiting:
            raise ProviderUnavailable("gone", provider="up")
        return waiting.pop(0)

    return post, asked


@define
class Clock:
    """Shows the time that the test says."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_token_is_asked_for_as_entra_wants_it() -> None:
    post, asked = telling(granted("t1"))
    assert await tokens(post).take() == "t1"
    path, form = asked[0]
    assert path == "/tenant/oauth2/v2.0/token"
    assert parse_qs(form.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": [SECRET],
        "scope": ["https://x/.default"],
    }


async def test_a_token_is_renewed_before_it_ends() -> None:
    post, asked = telling(granted("t1"), granted("t2"))
    clock = Clock()
    source = tokens(post, clock)
    assert await source.take() == "t1"
    clock.now += 3000
    assert await source.take() == "t1"
    clock.now += 400
    assert await source.take() == "t2"
    assert len(asked) == 2


async def test_a_token_serves_to_its_end_when_it_cannot_be_renewed() -> None:
    post, _ = telling(granted("t1"))
    clock = Clock()
    source = tokens(post, clock)
    await source.take()
    clock.now += 3400
    assert await source.take() == "t1"
    clock.now += 300
    with pytest.raises(ProviderError):
        await source.take()


async def test_all_who_wait_share_one_fetch() -> None:
    gate, asked = Gate(), 0

    async def post(path: str, form: bytes) -> tuple[int, bytes]:
        nonlocal asked
        asked += 1
        await gate.passing()
        return granted("t1")

    source = tokens(post)
    waiting = [asyncio.create_task(source.take()) for _ in range(5)]
    await gate.reached()
    waiting[0].cancel()
    gate.open()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert found[1:] == ["t1"] * 4
    assert asked == 1


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"error":"invalid_client","error_description":"made-up-secret"}', "invalid_client"),
        (400, b"<html>", "answered 400;"),
        (200, b"{}", "answered 200;"),
        (400, b'{"error":"made-up-secret!"}', "answered 400;"),
    ],
)
async def test_a_refusal_says_what_to_mend_and_no_secret(
    status: int, body: bytes, said: str
) -> None:
    post, _ = telling((status, body))
    with pytest.raises(ProviderError) as caught:
        await tokens(post).take()
    assert said in caught.value.message
    assert SECRET not in caught.value.message
    assert SECRET not in repr(tokens(post))


async def test_a_refusal_is_not_kept() -> None:
    post, _ = telling((500, b""), granted("t2"))
    source = tokens(post)
    with pytest.raises(ProviderError):
        await source.take()
    assert await source.take() == "t2"


async def test_stopping_ends_a_fetch_under_way() -> None:
    gate = Gate()

    async def post(path: str, form: bytes) -> tuple[int, bytes]:
        await gate.passing()
        return granted("t1")

    source = tokens(post)
    waiting = asyncio.create_task(source.take())
    await gate.reached()
    await source.stop()
    with pytest.raises(asyncio.CancelledError):
        await waiting
