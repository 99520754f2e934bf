"""Every fault, whole and streamed, in the client's dialect and translated: no hang, no nonsense.

All exchanges are made once, through one gateway process; each test then judges one of them.
"""

import asyncio
import gc
import re
from collections import Counter
from pathlib import Path

import aiohttp
import pytest
from attrs import field, frozen
from tests.faults.faultd import FAULTS, Faultd
from tests.faults.gateway import IMPATIENT, KEY, config, serving
from tests.faults.views import PATHS, REQUESTS, View, send

pytestmark = pytest.mark.timeout(120)
TOTAL = IMPATIENT["total"]
TOGETHER = 8
SMALL = {
    "big-sse": "-1",
    "huge": "-64",
    "huge-declared": "-64",
    "gzip-bomb": "-64",
    "gzip-sse-bomb": "-64",
}
CLASSES = {"chat": "same", "responses": "other"}

GOOD_WHOLE = {
    *("json", "interim", "old", "last", "stale", "late", "wide-numbers", "tiny-chunks"),
    *("gzip", "gzip-members", "deflate", "deflate-raw"),
}
GOOD_STREAMS = {
    *(
        "sse",
        "paced-sse",
        "big-sse",
        "eof-clean",
        "split-utf8",
        "line-endings",
        "bom",
        "no-colon",
        "no-done",
    ),
    *("done-stall", "done-reset", "done-more", "done-flood", "done-unended"),
    *("gzip-sse", "gzip-sse-cut"),
}
BEGUN = {
    *("slow-sse", "stall", "cut-sse", "reset-sse", "eof-reset", "bad-json", "stream-error"),
    *("deep-sse", "bad-utf8-sse", "array-sse", "error-done", "error-batch", "named-error"),
    *("comments", "gossip-sse", "fin-at", "reset-at", "short-at", "eof-at"),
}
"""Faults that may come when a part of the stream has been sent already."""

AT_REST = "asyncio/runners.py"
"""Where an event loop waits. One that is found there late was stopped with the whole machine."""

Cell = tuple[str, str, bool]


@frozen
class Matrix:
    """What was seen of each exchange, and of the gateway and its upstream afterwards."""

    views: dict[Cell, View]
    after: View
    unfinished: list[str]
    log: list[str] = field(factory=list)
    canaries: tuple[bytes, ...] = ()


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    # It is this process that holds the clock, and a collection among all that thousands of tests
    # have left stops it for a second.
    gc.collect()
    gc.freeze()
    try:
        return asyncio.run(make_matrix(tmp_path_factory.mktemp("matrix")))
    finally:
        gc.unfreeze()


async def make_matrix(directory: Path) -> Matrix:
    async with Faultd() as upstream:
        toml = config(upstream.base_url)
        async with serving(directory, toml) as gateway:
            async with aiohttp.ClientSession(gateway.url) as session:
                views = await observe(session)
                after = await send(session, PATHS["chat"], REQUESTS["chat"]("same/m"))
            records = upstream.ledger.records
            unfinished = [one.fault for one in records if one.finished is None]
        canaries = (KEY.encode(), upstream.base_url.encode()[7:], str(upstream.port).encode())
    return Matrix(views, after, unfinished, gateway.log, canaries)


async def observe(session: aiohttp.ClientSession) -> dict[Cell, View]:
    turn = asyncio.Semaphore(TOGETHER)

    async def one(cell: Cell) -> View:
        fault, dialect, stream = cell
        model = f"{CLASSES[dialect]}/fault-{fault}{SMALL.get(fault, '')}"
        body = REQUESTS[dialect](model, stream=stream)
        async with turn:
            return await send(session, PATHS[dialect], body, request_id=name_of(cell))

    cells = [(fault, dialect, stream) for fault in FAULTS for dialect, stream in MODES]
    return dict(zip(cells, await asyncio.gather(*map(one, cells)), strict=True))


def name_of(cell: Cell) -> str:
    fault, dialect, stream = cell
    return f"{fault}.{dialect}.{'stream' if stream else 'whole'}"


MODES = [(dialect, stream) for dialect in PATHS for stream in (False, True)]
CELLS = pytest.mark.parametrize(
    "cell",
    [pytest.param((f, d, s), id=name_of((f, d, s))) for f in FAULTS for d, s in MODES],
)


@CELLS
def test_a_fault_is_reported_as_what_it_is(matrix: Matrix, cell: Cell) -> None:
    fault, _, stream = cell
    good = fault in (GOOD_STREAMS if stream else GOOD_WHOLE)
    begun = stream and fault in BEGUN
    allowed = {"success"} if good else {"error", "error event"} if begun else {"error"}
    view = matrix.views[cell]
    assert view.kind in allowed, view
    assert view.seconds < TOTAL + 1


@CELLS
def test_no_answer_gives_away_the_upstream(matrix: Matrix, cell: Cell) -> None:
    view = matrix.views[cell]
    shown = view.body + repr(view.headers).encode()
    assert not [one for one in (*matrix.canaries, b"Traceback", b'File "') if one in shown]


def test_the_gateway_goes_on_as_if_nothing_had_happened(matrix: Matrix) -> None:
    assert matrix.after.kind == "success"


def test_every_exchange_has_one_line_in_the_log(matrix: Matrix) -> None:
    named = (re.search(r" request=(\S+) ", line) for line in matrix.log)
    count = Counter(match[1] for match in named if match)
    assert {cell: count[name_of(cell)] for cell in matrix.views} == dict.fromkeys(matrix.views, 1)


def test_nothing_else_is_on_stderr(matrix: Matrix) -> None:
    expected = (" outcome=", " INFO ", AT_REST)
    assert not [line for line in matrix.log if not any(words in line for words in expected)]


def test_no_answer_is_left_running_at_the_upstream(matrix: Matrix) -> None:
    # An upstream that has stopped reading is the only one that cannot know of the close.
    assert set(matrix.unfinished) <= {"half-open"}
