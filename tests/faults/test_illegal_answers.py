"""Answers that break HTTP/1.1 are refused, and never reach the request that comes next."""

from pathlib import Path

import aiohttp
import pytest
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.faultd.illegal import FAULTS, ODD
from tests.faults.gateway import config, serving
from tests.faults.views import PATHS, View, chat, send

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("stream", [False, True])
async def test_an_illegal_answer_never_touches_the_next_request(
    directory: Path, figures: Figures, stream: bool
) -> None:
    illegal: list[View] = []
    following: list[View] = []
    async with (
        Faultd() as upstream,
        serving(directory, config(upstream.base_url)) as gateway,
        aiohttp.ClientSession(gateway.url) as session,
    ):
        for fault in FAULTS:
            body = chat(f"same/fault-{fault}", stream=stream)
            illegal.append(await send(session, PATHS["chat"], body))
            following.append(await send(session, PATHS["chat"], chat("same/m", stream=stream)))
        records = upstream.ledger.records
    pairs = zip(records[::2], records[1::2], strict=True)
    reused = sum(one.connection == next_.connection for one, next_ in pairs if one.fault not in ODD)
    row = figures.of("illegal answer", len(FAULTS))
    row.at_least(60, len(FAULTS), "vectors")
    row.at_most(0, sum(view.kind != "error" for view in illegal), "not reported as errors")
    row.at_most(0, sum(view.kind != "success" for view in following), "next requests that failed")
    row.at_most(0, len({view.body for view in following}) - 1, "next answers that differed")
    row.at_most(0, reused, "connections used again")
