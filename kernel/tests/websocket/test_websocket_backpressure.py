"""A slow side of a session holds the other side back, and nothing piles up in between."""

import asyncio
from typing import TYPE_CHECKING

from websockets.asyncio.server import ServerConnection

if TYPE_CHECKING:
    from kernel.tests.websocket.conftest import House

PART = bytes(64 * 1024)
MANY = 2000
# What sockets, transports and the gateway may hold between two ends: far less than all of it.
PILE = 24 * 1024 * 1024


async def stuck(sent: list[int]) -> int:
    """How many have been sent when no more can be: it stays the same for some turns."""
    before = -1
    while before != len(sent):
        before = len(sent)
        await asyncio.sleep(0.2)
    return before


async def test_a_client_that_does_not_read_holds_the_provider_back(house: "House") -> None:
    sent: list[int] = []

    async def flood(connection: ServerConnection) -> None:
        for number in range(MANY):
            await connection.send(PART)
            sent.append(number)
        await connection.close()

    stage = await house.gateway(await house.provider(flood))
    async with stage.connect(max_queue=1, ping_interval=None) as client:
        assert await stuck(sent) * len(PART) < PILE
        got = [len(message) async for message in client]
    assert got == [len(PART)] * MANY
    assert client.close_code == 1000


async def test_a_provider_that_does_not_read_holds_the_client_back(house: "House") -> None:
    reading, got = asyncio.Event(), asyncio.Queue[int]()

    async def dawdle(connection: ServerConnection) -> None:
        await reading.wait()
        async for message in connection:
            got.put_nowait(len(message))
        got.put_nowait(0)

    stage = await house.gateway(await house.provider(dawdle, max_queue=1))
    sent: list[int] = []

    async def flood() -> None:
        async with stage.connect(ping_interval=None) as client:
            for number in range(MANY):
                await client.send(PART)
                sent.append(number)

    flooding = asyncio.create_task(flood())
    assert await stuck(sent) * len(PART) < PILE
    reading.set()
    await flooding
    assert [await got.get() for _ in range(MANY + 1)] == [len(PART)] * MANY + [0]
    assert (await stage.outcome()).kind == "answered"
