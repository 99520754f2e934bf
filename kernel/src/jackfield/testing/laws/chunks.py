"""The second law: a stream loses nothing, however it is cut, and ends once."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import msgspec

from jackfield import sse
from jackfield.response import Chunk
from jackfield.testing.dialect import TESTING_CHAT
from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, rewrites_streams
from jackfield.testing.provider import Reply, split_text

SIZES = (1, 7, 10_000)
"""Characters a delta."""

BATCHES = (1, 3, 0)
"""Events that come at once; 0 is all."""


async def ends_once(subject: Subject) -> None:
    """One final chunk goes in, nothing comes out after one, and a cut is reported as such."""
    for cut in (False, True):
        async with run_harness(subject) as harness:
            harness.fake.always(Reply(split_text(subject.texts[0], 7), cut=cut))
            answer = await harness.read(stream=True)
            calls = harness.probe.of("on_stream_chunk")
            for call in calls:
                _check_result(call.result, call.given)
            finals = [call.given for call in calls if call.given.final]
            if calls and not _stopped_early(calls[-1].result, calls[-1].given):
                _check_finals(finals, cut=cut)
            if (await harness.settled()).outcome.error is None:
                _check_end(await answer.read())


def _stopped_early(result: Sequence[Chunk] | None, chunk: Chunk) -> bool:
    return not chunk.final and result is not None and any(one.final for one in result)


def _check_finals(finals: Sequence[Chunk], *, cut: bool) -> None:
    if len(finals) != 1:
        raise LawBrokenError(f"it saw {len(finals)} final chunks in one stream")
    if finals[0].aborted is not cut:
        raise LawBrokenError(f"its final chunk said aborted={finals[0].aborted} after cut={cut}")


def _check_end(stream: bytes) -> None:
    events = [*sse.split(stream)]
    if not events or TESTING_CHAT.terminal(events[-1]) != "end":
        raise LawBrokenError("its stream ended without the event that says so, the final chunk's")


def _check_result(result: Sequence[Chunk] | None, chunk: Chunk) -> None:
    if result is None:
        return
    ends = [at for at, one in enumerate(result) if one.final]
    if ends and ends[0] != len(result) - 1:
        raise LawBrokenError("it returned chunks behind a final one; nothing may follow the end")
    if any(one.aborted and not chunk.aborted for one in result):
        raise LawBrokenError("it returned an aborted chunk for one that was not")


async def reports_a_cut(subject: Subject) -> None:
    """A broken stream does not end well after it, unless it had left the exchange before."""
    async with run_harness(subject) as harness:
        harness.fake.always(Reply(split_text(subject.texts[0], 7), cut=True))
        answer = await harness.read(stream=True)
        events = sse.split(await answer.read())
        was_read = any(request.ended == "answered" for request in harness.fake.requests)
        if was_read and any(TESTING_CHAT.terminal(event) == "end" for event in events):
            raise LawBrokenError("of a stream that was cut it made one that ends well")


async def flushes(subject: Subject) -> None:
    """A stream has the text of the whole answer, and a cut one all that came before the cut."""
    for text, echo in product(subject.texts, (False, True)):
        whole = await _answer_text(subject, text, echo=echo, stream=False)
        streamed = await _answer_text(subject, text, echo=echo, stream=True)
        if whole is not None and streamed is not None and streamed != whole:
            raise LawBrokenError(f"a whole answer says {whole!r}, a streamed one {streamed!r}")
        cut = await _answer_text(subject, text, echo=echo, stream=True, cut=True)
        if streamed is not None and cut != streamed:
            raise LawBrokenError(
                f"{streamed!r} was said, and only {cut!r} when the stream was cut behind it:"
                " what is held back must be returned with the final chunk"
            )


async def is_blind_to_cuts(subject: Subject) -> None:
    """The result is the same however the provider splits its text or its events arrive."""
    for text, echo in product(subject.texts, (False, True)):
        texts = {
            (size, batch): await _answer_text(subject, text, echo=echo, size=size, per_batch=batch)
            for size in SIZES
            for batch in BATCHES
        }
        first = texts[SIZES[0], BATCHES[0]]
        for (size, batch), other in texts.items():
            if other != first:
                raise LawBrokenError(
                    f"{text!r} became {first!r} in deltas of {SIZES[0]} characters and"
                    f" {other!r} in deltas of {size}, {batch or 'all'} events at once"
                )


async def returns_whole_events(subject: Subject) -> None:
    """It returns whole events with valid data."""
    for text in subject.texts:
        async with run_harness(subject) as harness:
            harness.fake.always(Reply(split_text(text, 7)))
            await harness.read(stream=True)
            for data in _returned(harness):
                _check_events(data)


def _returned(harness: Harness) -> Iterator[bytes]:
    for call in harness.probe.of("on_stream_chunk"):
        for chunk in call.result or ():
            yield chunk.data


def _check_events(data: bytes) -> None:
    if data and not data.endswith(b"\n\n"):
        raise LawBrokenError(f"it returned {data!r}, which is no whole event")
    for event in sse.split(data):
        try:
            msgspec.json.decode(sse.data_of(event) or b"{}")
        except msgspec.DecodeError:
            raise LawBrokenError(f"it returned {event!r}, whose data is no JSON") from None


async def _answer_text(
    subject: Subject,
    text: str,
    *,
    echo: bool,
    stream: bool = True,
    size: int = 7,
    **reply: Any,
) -> str | None:
    """The text of the answer; None if it was refused or broken off by a plugin.

    The provider sends the text, or echoes what the plugin has made of it.
    """
    async with run_harness(subject) as harness:
        harness.fake.always(
            Reply(echo=size, **reply) if echo else Reply(split_text(text, size), **reply)
        )
        answer = await harness.read(stream=stream, text=text if echo else "")
        error = (await harness.settled()).outcome.error
        broken = error is not None and error.code != "stream_truncated"
        return None if broken else await answer.text()


def _wraps_streams(subject: Subject) -> bool:
    return rewrites_streams(subject) or "call_provider" in subject.hooks


CHUNKS = (
    Law(
        "stream-ends-once",
        "a stream has one final chunk and ends there",
        ends_once,
        rewrites_streams,
    ),
    Law(
        "stream-flushed",
        "what a plugin holds back of a stream comes out at its end",
        flushes,
        rewrites_streams,
    ),
    Law(
        "stream-any-chunking",
        "a stream says the same however it is cut",
        is_blind_to_cuts,
        rewrites_streams,
        patience=25.0,  # for some fifty gateways
    ),
    Law("stream-whole-events", "a chunk is whole events", returns_whole_events, rewrites_streams),
    Law("stream-cut", "a stream that is cut does not end well", reports_a_cut, _wraps_streams),
)
