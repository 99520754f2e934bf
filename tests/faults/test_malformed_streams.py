"""Streams of any bytes, cut into chunks anywhere: judged as what they are, never an exception."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from attrs import define, field, frozen
from multidict import CIMultiDict, CIMultiDictProxy
from tests.faults.bars import Figures
from tests.faults.faultd.good import delta

from jackfield import sse
from jackfield._client.answer import Answer
from jackfield._client.failure import Failure
from jackfield._client.room import Room
from jackfield._provider_stream import ProviderStream
from jackfield._scrubber import Scrubber
from jackfield.dialects import Dialect
from jackfield.errors import GatewayError
from jackfield_openai.chat import ChatDialect
from jackfield_openai.responses import ResponsesDialect

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
STREAMS = 50_000
SEED = 20261122
CHAT, RESPONSES = ChatDialect(), ResponsesDialect()
EVENT = b"data: " + delta("word \u00e9\u20ac\U0001f600") + b"\n\n"
FINISH = b"data: " + delta("", finish="stop") + b"\n\n"
DONE = b"data: [DONE]\n\n"
BAD = b"data: {\n\n"
DEEP = b'data: {"error":' + b"[" * 3000 + b"\n\n"
COMPLETED = b'event: response.completed\ndata: {"type":"response.completed","response":{}}\n\n'
MARKS = (b"[DONE]", b"finish_reason", b"response.completed", b"response.incomplete")
PIECES = [
    *([EVENT] * 25 + [FINISH, b"data: [DONE]\n\n", COMPLETED] * 4),
    *(b"data\n\n", b"data:\n\n", b":\n\n", b": comment\r\n\r\n", b"event: error\ndata: x\n\n"),
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\xef\xbb\xbf", b"\x00", b"\xff\xfe", b"\xe2\x82"),
    *(b"data: {", b"data: }\n\n", b"data: [1]\n\n", b"data: null\n\n", b"data: NaN\n\n", b"[DONE]"),
    b'data: {"error":{"message":"no","type":"t"}}\n\ndata: [DONE]\n\n',
    b'data: {"usage":{"prompt_tokens":' + b"9" * 40 + b"}}\n\n",
    b'data: {"usage":"x","choices":{"a":1}}\n\n',
    b'data: {"choices":[{"delta":null,"finish_reason":7}]}\n\n',
    b'data: {"type":"response.output_text.delta","delta":9}\n\n',
    b'data: {"type":["response.completed"],"response":"x"}\n\n',
    b"id: 1\nretry: x\nevent: \ndata: a\ndata: b\n\n",
    *(b"<html>", b"\xe2\x80\xa8", b"data: [DONE", b" data: x\n\n", b"data: \xff\n\n"),
    b"data: " + b"x" * 70_000 + b"\n\n",
]


class Nowhere(asyncio.Transport):
    """A connection whose other end is the test itself."""

    def pause_reading(self) -> None:
        """Go on all the same."""

    def resume_reading(self) -> None:
        """Go on as before."""

    def abort(self) -> None:
        """Be gone."""

    def is_closing(self) -> bool:
        return False


@frozen
class Malformed:
    """The chunks of a stream, and how its connection ends."""

    chunks: list[bytes]
    end: str
    dialect: Dialect
    shown: Dialect

    @classmethod
    def of(cls, chance: random.Random) -> "Malformed":
        """Any."""
        stream = bytearray(b"".join(chance.choices(PIECES, k=chance.randint(1, 8))))
        for _ in range(chance.choice((0, 0, 0, 0, 1, 2, 9))):
            at = chance.randint(0, len(stream))
            stream[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        cuts = sorted(chance.choices(range(len(stream) + 1), k=chance.randint(0, 12)))
        chunks = [bytes(stream[a:b]) for a, b in zip([0, *cuts], [*cuts, None], strict=True)]
        dialect, shown = chance.choice(((CHAT, CHAT), (CHAT, RESPONSES), (RESPONSES, RESPONSES)))
        end = chance.choice(("framed", "eof", "cut"))
        return cls([chunk for chunk in chunks if chunk], end, dialect, shown)


@define
class Reading:
    """One malformed stream as it is read from a connection."""

    given: Malformed
    answer: Answer = field(init=False)
    stream: ProviderStream = field(init=False)
    passed: list[bytes] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        loop = asyncio.get_running_loop()
        headers = CIMultiDictProxy(CIMultiDict[str]())
        self.answer = Answer(200, headers, "acme", Nowhere(), loop, 1 << 25, None, Room())
        self.stream = ProviderStream(
            *(self.answer, self.given.dialect, "acme", "marker"),
            shown=self.given.shown,
            scrubber=Scrubber(),
            events=True,
        )

    async def read(self, *, pushed: bool) -> str:
        """Read it as the gateway does, once it has begun from socket to socket; how it ended."""
        feeding = asyncio.create_task(self._feed())
        try:
            await self.stream.begin()
            if pushed:
                self.stream.divert(self._sink)
            async for batch in self.stream:
                self.passed.append(batch)
        except GatewayError as error:
            return type(error).__name__
        finally:
            await feeding
            await self.stream.aclose()
        return "clean"

    def _sink(self, batch: bytes) -> bool:
        self.passed.append(batch)
        return len(self.passed) % 5 > 0

    async def _feed(self) -> None:
        for chunk in self.given.chunks:
            self.answer.feed(chunk)
            await asyncio.sleep(0)
        if self.given.end == "cut":
            self.answer.fail(Failure.CUT.error("acme"))
        else:
            self.answer.finish(framed=self.given.end == "framed")


def problem(reading: Reading, ended: str) -> str:
    """What is wrong with an end or with what was passed on; empty when nothing is."""
    given = b"".join(reading.given.chunks)
    if ended == "clean" and not any(mark in given for mark in MARKS):
        return "a clean end without a mark"
    if ended == "clean" and reading.given.end == "cut" and b"[DONE]" not in given:
        return "" if b"response." in given else "a clean end of a cut stream"
    if not b"".join(reading.passed).isascii():
        b"".join(reading.passed).decode()
    return ""


def check_framer(given: Malformed) -> str:
    """Cut into events by itself, a stream loses no byte, and each event can be read."""
    framer, events = sse.Framer(), b""
    for chunk in given.chunks:
        events += framer.feed(chunk)
    whole = b"".join(given.chunks).removeprefix(b"\xef\xbb\xbf")
    for event in sse.split(events):
        sse.parse(event)
    return "" if whole.startswith(events) else "bytes that never came"


async def outcome(work: Callable[[], Any]) -> str:
    """What came of it: nothing, a problem, or an exception that nobody foresaw."""
    try:
        return str(await work())
    except Exception as error:  # noqa: BLE001 - whatever gets out is what is looked for
        return f"{type(error).__name__}: {error}"


async def test_no_malformed_stream_is_an_exception(figures: Figures) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same streams each time
    wrong: Counter[str] = Counter()
    ends: Counter[str] = Counter()

    for number in range(STREAMS):
        given = Malformed.of(chance)

        async def read(given: Malformed = given, pushed: bool = bool(number % 2)) -> str:
            reading = Reading(given)
            ended = await reading.read(pushed=pushed)
            ends[ended] += 1
            return problem(reading, ended) or check_framer(given)

        wrong[await outcome(read)] += 1
    good = wrong.pop("", 0)
    row = figures.of("malformed stream", STREAMS)
    assert min(ends["clean"], ends["StreamTruncated"], ends["ProviderError"]) > STREAMS / 100, ends
    print(f"ends: {ends}; wrong: {wrong.most_common(5)}")  # noqa: T201 - shown when it fails
    row.at_most(0, wrong.total(), "uncaught, or judged wrongly")
    row.at_least(STREAMS, good, "judged as what they are")


@pytest.mark.parametrize(
    "chunks",
    [
        [EVENT, DONE, BAD],
        [EVENT, DONE, DEEP],
        [EVENT, DONE + BAD],
        [EVENT, DONE + DEEP],
    ],
    ids=["bad", "deep", "bad at once", "deep at once"],
)
async def test_nothing_behind_the_end_counts(chunks: list[bytes]) -> None:
    reading = Reading(Malformed(chunks, "framed", CHAT, CHAT))
    assert await reading.read(pushed=True) == "clean"
    assert b"".join(reading.passed) == EVENT + DONE
