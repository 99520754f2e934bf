"""Every fault of a provider ends in the right error, and the next request is not touched by it."""

from collections.abc import AsyncIterator

import pytest
from tests.faults.faultd import FAULTS, Faultd
from tests.faults.faultd.illegal import ANSWERS

from jackfield._client import Answer, Origin
from jackfield._client.failure import Failure
from jackfield.errors import ProviderTimeout, ProviderUnavailable, StreamTruncated
from jackfield.timeouts import Timeouts

CUT = ["cut-sse", "cut-sse-0", "cut-chunk", "cut-chunk-0", "reset-sse", "short", "eof-reset"]
SILENT = {
    "silent": "answer",
    "half-open": "answer",
    "drip-head-10": "answer",
    "drip-json-80": "finish",
    "drip-10": "finish",
    "stall": "go on",
    "stall-json": "go on",
}
IMPATIENT = {
    "answer": Timeouts(first_byte=0.2),
    "go on": Timeouts(between_events=0.2),
    "finish": Timeouts(total=0.7),
}
"""One short deadline each: on a busy machine of two short ones either might pass first."""
WHOLE = ["sse", "html", "bom", "nul", "no-colon", "bad-json", "stream-error", "split-utf8"]


async def collect(answer: Answer, received: bytearray) -> None:
    async for piece in answer:
        received += piece


@pytest.fixture(autouse=True)
async def unharmed(origin: Origin, upstream: Faultd) -> AsyncIterator[None]:
    """After each test another request succeeds, and no socket is left but the one it rests on."""
    yield
    upstream.script("json")
    answer = await origin.send("POST", "/")
    assert b"Hello" in await answer.read()
    blind = sum(record.fault == "half-open" for record in upstream.ledger.records)
    await upstream.until(open_connections=1 + blind)


async def test_a_cut_body_is_an_error_when_read(origin: Origin, upstream: Faultd) -> None:
    for fault in CUT:
        upstream.script(fault)
        answer = await origin.send("POST", "/")
        with pytest.raises(ProviderUnavailable) as caught:
            await answer.read()
        assert caught.value.message == Failure.CUT
        assert not answer.complete


async def test_a_cut_stream_yields_what_came_and_then_raises(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("cut-sse-3")
    answer = await origin.send("POST", "/")
    received = bytearray()
    with pytest.raises(StreamTruncated):
        await collect(answer, received)
    assert received.count(b"data: ") == upstream.ledger.last().events_sent == 3


@pytest.mark.parametrize("fault", ["eof-clean", "eof-cut"])
async def test_a_body_that_only_the_connection_ends_is_not_framed(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault)
    answer = await origin.send("POST", "/")
    async for _ in answer:
        answer.touch()
    assert (answer.complete, answer.framed) == (True, False)


@pytest.mark.parametrize(
    ("fault", "failure"),
    [("cut-head", Failure.CUT), ("refuse", Failure.CLOSED), ("reset", Failure.CLOSED)],
)
async def test_a_connection_closed_before_the_head_is_an_error(
    origin: Origin, upstream: Faultd, fault: str, failure: Failure
) -> None:
    upstream.script(fault)
    with pytest.raises(ProviderUnavailable) as caught:
        await origin.send("POST", "/")
    assert caught.value.message == failure
    assert len(upstream.ledger.records) == 1


@pytest.mark.parametrize("fault", ANSWERS)
async def test_illegal_http_is_refused_and_its_connection_dropped(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault)
    with pytest.raises(ProviderUnavailable) as caught:
        await origin.send("POST", "/")
    assert caught.value.message == Failure.ILLEGAL


@pytest.mark.parametrize("fault", ["extra-bytes", "extra-answer"])
async def test_bytes_after_an_answer_never_become_the_next_answer(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault, "json", fault)
    bodies = [await (await origin.send("POST", "/")).read() for _ in range(3)]
    assert bodies[0] == bodies[2] == b"first"
    assert b"Hello" in bodies[1]


@pytest.mark.parametrize(("fault", "phase"), SILENT.items())
async def test_silence_is_a_timeout_that_names_its_phase(
    origin: Origin, upstream: Faultd, fault: str, phase: str
) -> None:
    upstream.script(fault)
    with pytest.raises(ProviderTimeout) as caught:
        await (await origin.send("POST", "/", timeouts=IMPATIENT[phase])).read()
    assert caught.value.phase == phase


@pytest.mark.parametrize("fault", ["drip-10", "stall"])
async def test_bytes_without_an_event_do_not_keep_a_stream_alive(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault)
    answer = await origin.send("POST", "/", timeouts=IMPATIENT["go on"])
    with pytest.raises(ProviderTimeout) as caught:
        await collect(answer, bytearray())
    assert caught.value.phase == "go on"


async def test_a_stream_goes_on_as_long_as_events_come(origin: Origin, upstream: Faultd) -> None:
    upstream.script("slow-sse-300")
    answer = await origin.send("POST", "/", timeouts=Timeouts(between_events=1.0))
    async for _ in answer:
        answer.touch()
    assert answer.complete


@pytest.mark.parametrize("fault", WHOLE)
async def test_what_is_inside_a_legal_body_is_not_the_client_s_business(
    origin: Origin, upstream: Faultd, fault: str
) -> None:
    upstream.script(fault)
    answer = await origin.send("POST", "/")
    assert answer.status == 200
    assert await answer.read()


@pytest.mark.parametrize("status", [400, 401, 429, 500, 502, 503, 529])
async def test_a_refusal_is_an_answer(origin: Origin, upstream: Faultd, status: int) -> None:
    upstream.script(f"status-{status}")
    answer = await origin.send("POST", "/")
    assert answer.status == status
    assert b"Refused" in await answer.read()


def test_a_fault_is_chosen_by_the_model_s_name() -> None:
    assert {"cut-sse", "gzip-bomb", "far-version", "retry-absurd"} <= set(FAULTS)
