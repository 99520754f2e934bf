"""Streams that a plugin was given and could not pass on: the provider is not left streaming."""

import asyncio
from collections.abc import AsyncIterator
from typing import Literal, cast

import pytest
from attrs import frozen

from jackfield import CallNext, Exchange, Forbidden, Plugin, Response, Target, hookimpl, option
from jackfield.testing import Gate, GatewayClient, run_gateway


class Keeps(Plugin):
    """Has the provider's answer in its hands when something happens to it."""

    mutates = frozenset({"response"})

    @frozen
    class Config:
        """What happens."""

        how: Literal["waits", "raises", "refuses", "returns"] = option("waits", "What happens.")

    config: Config

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.holds = asyncio.Event()
        self.given: list[Response] = []

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        self.given.append(await call_next(target))
        self.holds.set()
        if self.config.how == "waits":
            await asyncio.Event().wait()
        if self.config.how == "raises":
            raise KeyError(exchange.id)
        if self.config.how == "refuses":
            raise Forbidden("Not this one.")
        return cast("Response", None)


class Wraps(Plugin):
    """Passes on a stream of its own, which closes the provider's at its end."""

    mutates = frozenset({"response"})

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        response = await call_next(target)

        async def parts() -> AsyncIterator[bytes]:
            try:
                if not isinstance(response.body, bytes):
                    async for part in response.body:
                        yield part
            finally:
                await response.close()

        return Response(200, parts(), response.content_type)


def ends(client: GatewayClient) -> list[str]:
    return [request.ended for request in client.fake.requests]


async def test_a_client_that_leaves_during_the_hook_stops_the_provider() -> None:
    async with run_gateway("[plugins.keeps]", {"keeps": Keeps}) as client:
        pending = client.start_chat("one two three", stream=True)
        await client.plugin("keeps").holds.wait()
        pending.disconnect()
        assert (await pending).status == 499
        assert ends(client) == ["cancelled"]


@pytest.mark.parametrize("how", ["raises", "refuses", "returns"])
async def test_a_hook_that_fails_stops_the_provider(how: str) -> None:
    async with run_gateway(f'[plugins.keeps]\nhow = "{how}"', {"keeps": Keeps}) as client:
        assert (await client.chat("one two three", stream=True)).status in (403, 500)
        assert ends(client) == ["cancelled"]


async def test_a_stream_of_a_plugin_s_own_that_nobody_reads_stops_the_provider() -> None:
    async with run_gateway("[plugins.wraps]", {"wraps": Wraps}) as client:
        answer = await client.chat("one two three", stream=True)
        await answer.disconnect()  # a generator that has not begun runs none of its `finally`
        assert ends(client) == ["cancelled"]
        assert [one.outcome.kind for one in client.settled] == ["client_gone"]


class Shortens(Plugin):
    """Ends its own stream early, and forgets the provider's."""

    mutates = frozenset({"response"})

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        response = await call_next(target)

        async def first() -> AsyncIterator[bytes]:
            yield await anext(cast("AsyncIterator[bytes]", response.body))

        return Response(200, first(), response.content_type)


async def test_a_stream_of_a_plugin_s_own_that_ends_early_stops_the_provider() -> None:
    async with run_gateway("[plugins.shortens]", {"shortens": Shortens}) as client:
        client.fake.reply("one ", "two ", "three", gate=Gate(), at=2)
        answer = await client.chat(stream=True)
        await answer.read()
        assert ends(client) == ["cancelled"]
        assert [one.outcome.kind for one in client.settled] == ["answered"]


async def test_a_stream_of_a_plugin_s_own_is_read_to_its_end() -> None:
    async with run_gateway("[plugins.wraps]", {"wraps": Wraps}) as client:
        answer = await client.chat("one two three", stream=True)
        assert await answer.text() == "one two three"
        assert ends(client) == ["answered"]
        assert client.settled[0].exchange.answers == ()
