"""Headers that plugins add to what a provider is sent."""

from collections.abc import AsyncIterator, Mapping
from typing import ClassVar

import pytest

from jackfield import CallNext, Exchange, Plugin, Response, Secret, Target, hookimpl
from jackfield.dialects import Dialect
from jackfield.http_provider import HttpProvider
from jackfield.testing import TESTING_CHAT, FakeUpstream, run_gateway

ANSWER = b'{"model": "m", "text": "Hi", "finish": "stop"}'


class Api(HttpProvider):
    """An API that takes its key where nobody would look for one."""

    dialects: ClassVar[tuple[Dialect, ...]] = (TESTING_CHAT,)
    paths: ClassVar[Mapping[str, str]] = {TESTING_CHAT.name: "/chat"}
    forward: ClassVar[frozenset[str]] = frozenset({"x-project", "x-beta"})

    def authorize(self, secret: Secret | None) -> list[tuple[str, str]]:
        return [("X-Pass", "the provider's")]


class Tracer(Plugin):
    """Says of each attempt which one it is."""

    mutates = frozenset({"request"})
    seen = 0

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        for name in ("X-Project", "x-pass", "X-Fixed", "x-beta"):
            exchange.set_provider_header(name, "the plugin's")

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        self.seen += 1
        exchange.set_provider_header("traceparent", f"attempt-{self.seen}")
        return await call_next(target)


@pytest.fixture
async def server() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def toml(server: FakeUpstream) -> str:
    headers = '{ X-Fixed = "the table\'s", X-Beta = "the table\'s" }'
    table = f'[providers.api]\nbase_url = "{server.base_url}"\nheaders = {headers}\n'
    return table + "[plugins.tracer]"


async def test_each_attempt_has_the_header_that_was_set_last(server: FakeUpstream) -> None:
    server.reply(b"{}", status=503)
    server.reply(ANSWER)
    async with run_gateway(toml(server), {"api": Api, "tracer": Tracer}) as client:
        assert (await client.chat(model="api/m")).status == 200
        changes = [change.what for change in client.settled[-1].exchange.changes]
    assert [one.headers["traceparent"] for one in server.requests] == ["attempt-1", "attempt-2"]
    assert changes[0] == "header x-project"


async def test_a_plugins_header_stands_before_a_clients_and_behind_the_providers(
    server: FakeUpstream,
) -> None:
    server.reply(ANSWER)
    async with run_gateway(toml(server), {"api": Api, "tracer": Tracer}) as client:
        await client.chat(model="api/m", headers={"x-project": "the client's"})
    sent = server.requests[0].head.decode().lower()
    assert sent.count("x-pass: ") == sent.count("x-fixed: ") == sent.count("x-project: ") == 1
    assert "x-pass: the provider's" in sent
    assert "x-fixed: the table's" in sent
    assert "x-project: the plugin's" in sent
    assert "x-beta: the table's" in sent
    assert "x-beta: the plugin's" in sent


@pytest.mark.parametrize(
    "name",
    [
        *("Authorization", "x-api-key", "Cookie", "x-amz-security-token", "X-Amz-Date"),
        *("connection", "Transfer-Encoding", "te", "host", "content-length", "Content-Type"),
        *("accept-encoding", "sec-websocket-protocol", "a b", "a\r\nb", "", "x_y"),
    ],
)
async def test_what_is_the_providers_to_say_no_plugin_says(name: str) -> None:
    class Sets(Plugin):
        """Sets one header."""

        mutates = frozenset({"request"})

        @hookimpl
        async def pre_request(self, exchange: Exchange) -> None:
            exchange.set_provider_header(name, "x")

    async with run_gateway("[plugins.sets]", {"sets": Sets}) as client:
        assert (await client.chat()).status == 500
        assert client.settled[-1].exchange.failures == [
            "sets.pre_request: raised ValueError → refuse"
        ]


async def test_a_plugin_that_declares_nothing_sets_none() -> None:
    class Sets(Tracer):
        """Does not declare that it changes anything."""

        mutates = frozenset()

    async with run_gateway("[plugins.sets]", {"sets": Sets}) as client:
        assert (await client.chat()).status == 500
        assert "UndeclaredChange" in client.settled[-1].exchange.failures[0]
