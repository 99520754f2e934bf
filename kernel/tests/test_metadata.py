"""The caller's own words on a request."""

import json

import pytest

from jackfield import Exchange, Plugin, Principal, hookimpl
from jackfield.testing import run_gateway

HEADER = "x-jackfield-metadata"


class Identifier(Plugin):
    """Gives every caller a principal with words of its own, and keeps what it reads of both."""

    mutates = frozenset({"principal"})
    seen: dict[str, str]

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        known = {"team": "search"}
        permissions = exchange.principal.permissions
        exchange.set_principal(Principal("acme", "k1", permissions, known))
        self.seen = dict(exchange.metadata)


async def read(headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    async with run_gateway("[plugins.who]", {"who": Identifier}) as client:
        answer = await client.chat("Hello", headers=headers)
        plugin = client.plugins["who"]
        assert isinstance(plugin, Identifier)
        return answer.status, getattr(plugin, "seen", {})


async def test_the_words_of_the_key_go_before_those_of_the_caller() -> None:
    status, seen = await read({HEADER: json.dumps({"session": "42", "team": "other"})})
    assert (status, seen) == (200, {"session": "42", "team": "search"})


async def test_without_the_header_there_are_the_words_of_the_key() -> None:
    assert await read({}) == (200, {"team": "search"})


@pytest.mark.parametrize(
    "text",
    [
        "session=42",
        "[1]",
        '{"a": 1}',
        '{"A": "x"}',
        '{"": "x"}',
        json.dumps({"a": "x" * 257}),
        json.dumps({"a": "x\ny"}),
        json.dumps({f"n{number}": "" for number in range(17)}),
    ],
)
async def test_anything_but_a_few_short_words_is_refused(text: str) -> None:
    status, seen = await read({HEADER: text})
    assert (status, seen) == (400, {})
