"""A stream that is cut at any byte, in any way, never looks whole to its client."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import aiohttp
import pytest
from attrs import frozen
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.faultd.frayed import FRAMINGS, LONGEST
from tests.faults.gateway import config, serving
from tests.faults.views import PATHS, REQUESTS, View, send

pytestmark = pytest.mark.slow
CUTS = 1000
TOGETHER = 25
SEED = 20261122
REPORTED = {"error", "error event"}
WAYS = {"from socket to socket": "", "past a plugin": "[plugins.onlooker]\n"}
HOPS = [("same", "chat"), ("other", "responses")]
"""As it is and translated."""

each_way = pytest.mark.parametrize("way", WAYS)


@frozen
class Seen:
    """What clients saw of each cut, and how often each exchange was settled."""

    views: list[View]
    settled: Counter[str]

    def unsettled(self) -> int:
        """How many exchanges were not settled exactly once."""
        return sum(self.settled[f"cut-{number}"] != 1 for number in range(len(self.views)))


async def cut_streams(directory: Path, way: str, faults: Sequence[str]) -> Seen:
    """Have each fault cut streams at random bytes, CUTS in all."""
    chance = random.Random(SEED)  # noqa: S311 - the same bytes each time
    turn = asyncio.Semaphore(TOGETHER)
    async with Faultd() as upstream:
        toml = config(upstream.base_url, "[plugins.tally]\n", WAYS[way])
        async with (
            serving(directory, toml) as gateway,
            aiohttp.ClientSession(gateway.url) as session,
        ):

            async def one(number: int) -> View:
                fault = faults[number % len(faults)]
                provider, dialect = HOPS[number // len(faults) % len(HOPS)]
                at = chance.randint(0, LONGEST[FRAMINGS[fault]])
                body = REQUESTS[dialect](f"{provider}/fault-{fault}-{at}", stream=True)
                async with turn:
                    return await send(session, PATHS[dialect], body, request_id=f"cut-{number}")

            views = await asyncio.gather(*map(one, range(CUTS)))
            await gateway.logged(r"settled cut-", CUTS)
    return Seen(views, Counter(re.findall(r"settled (cut-\d+) ", "\n".join(gateway.log))))


def judge(row: str, seen: Seen, figures: Figures) -> None:
    """Hold what was seen to the bars."""
    bars = figures.of(row, CUTS)
    kinds = Counter(view.kind for view in seen.views)
    assert kinds["error event"] > CUTS / 2, kinds
    bars.at_most(0, kinds["success"], "clean ends")
    bars.at_most(
        0, CUTS - kinds["error"] - kinds["error event"], "reported in another way than as errors"
    )
    bars.at_most(0, seen.unsettled(), "exchanges not settled exactly once")


@each_way
async def test_a_framed_stream_that_is_cut_never_ends_cleanly(
    directory: Path, figures: Figures, way: str
) -> None:
    seen = await cut_streams(directory, way, ["fin-at", "reset-at", "short-at"])
    judge(f"cut stream, {way}", seen, figures)


@each_way
async def test_a_stream_without_length_that_is_cut_is_always_reported(
    directory: Path, figures: Figures, way: str
) -> None:
    seen = await cut_streams(directory, way, ["eof-at"])
    judge(f"cut EOF stream, {way}", seen, figures)
