"""What is left of the limits when nobody else sends, spent until there is no room."""

import asyncio
from collections.abc import Sequence

import aiohttp
from attrs import define, field
from tests.trust.load import LEFT, REFUSED, send, session

FIRST = 500_000
MOST_FAILED = 200
IDLE = 0.8
"""Seconds in which what one worker holds and does not need goes back to the others."""


@define
class Fill:
    """Spends what is left; `reserves` has for each key the largest that was refused at last."""

    url: str
    keys: Sequence[str]
    sent: int = 0
    reserves: dict[int, int] = field(factory=dict)

    async def run(self) -> None:
        """Ask with all keys at once until each is refused, then with one after the other."""
        async with session() as asking:
            places = range(len(self.keys))
            await asyncio.gather(*[self._until_refused(asking, place) for place in places])
            for place in places:
                await asyncio.sleep(IDLE)
                await self._until_refused(asking, place)

    async def _until_refused(self, asking: aiohttp.ClientSession, place: int) -> None:
        failed = 0
        while True:
            number = FIRST + self.sent * len(self.keys) + place
            self.sent += 1
            view = await send(asking, self.url, self.keys[place], number)
            if view.status == REFUSED:
                self.reserves[place] = view.need()
                return
            if 400 <= view.status < LEFT:
                raise RuntimeError(f"key {place} is answered {view}")
            if view.status >= 500:
                failed += 1
                await asyncio.sleep(IDLE / 8)
            if failed > MOST_FAILED:
                raise RuntimeError(f"key {place} is answered {view} again and again")
