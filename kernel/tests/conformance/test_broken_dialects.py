"""Dialects that break a law, each found by the kit under that law's name."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackfield import sse
from jackfield.dialects import (
    CanonicalRequest,
    CanonicalResponse,
    Loss,
    Peek,
    Rendered,
    StreamParser,
    StreamRenderer,
    Terminal,
    UpstreamFailure,
    UsageMeter,
)
from jackfield.events import StreamEvent
from jackfield.messages import ChatRequest, Usage
from jackfield.testing import TESTING_CHAT, ChatDialect, check_dialect
from jackfield.testing.dialect_law import Samples
from jackfield.testing.dialect_laws import LAWS
from jackfield.testing.dialect_stream import ChatStreamParser, ChatStreamRenderer
from jackfield.testing.law import LawBrokenError

REQUEST = {
    "model": "m",
    "messages": [{"role": "system", "text": "Be brief."}, {"role": "user", "text": "Hé 🙂?"}],
    "max_tokens": 5,
    "stream": True,
}
ANSWER = {"model": "m", "text": "Yes.", "finish": "stop", "usage": {"input": 3, "output": 2}}
FACTS = [
    {"model": "m"},
    {"text": "Jä, "},
    {"text": "日本"},
    {"finish": "stop"},
    {"usage": {"input": 3, "output": 2}},
    {"end": True},
]
STREAM = b"".join(sse.encode(msgspec.json.encode(fact)) for fact in FACTS)

test_the_kits_own_dialect = check_dialect(
    TESTING_CHAT, requests=[REQUEST], answers=[ANSWER], streams=[STREAM]
)


class Forgets(ChatDialect):
    """Drops the limit without a word."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        assert isinstance(request, ChatRequest)
        return super().render_request(replace(request, max_tokens=None))


class Loses(ChatDialect):
    """Says that it cannot express what it has just read."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        body = super().render_request(request).body
        return Rendered(body, (Loss("stream", "stream", "dropped"),))


class Grows(ChatDialect):
    """Writes something more each time."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        tree = msgspec.json.decode(super().render_request(request).body)
        return Rendered(msgspec.json.encode({**tree, "n": id(request)}))


class Trusts(ChatDialect):
    """Takes what it needs."""

    def peek(self, tree: Any, params: Mapping[str, str]) -> Peek:
        return Peek(tree["model"], tree.get("stream", False))


class Truncates(ChatDialect):
    """Writes an answer without its reason to end."""

    def render_response(self, response: CanonicalResponse, request: CanonicalRequest) -> Rendered:
        tree = msgspec.json.decode(super().render_response(response, request).body)
        return Rendered(msgspec.json.encode({**tree, "finish": None}))


class Stumbles(ChatDialect):
    """Reads an answer without a look at what it is."""

    def usage(self, body: bytes) -> Usage | None:
        counts = msgspec.json.decode(body)["usage"]
        return Usage(counts["input"], counts["output"])


class FailsAtFailures(ChatDialect):
    """Expects every error to be one of its own."""

    def parse_error(self, status: int, body: bytes) -> UpstreamFailure:
        return UpstreamFailure(msgspec.json.decode(body)["error"]["message"])


class _Silent(ChatStreamRenderer):
    def render(self, event: StreamEvent) -> bytes:
        return super().render(event).replace("日本".encode(), "日".encode())


class SkipsText(ChatDialect):
    """Leaves out what it cannot pronounce."""

    def stream_renderer(self, request: CanonicalRequest) -> StreamRenderer:
        return _Silent()


class _Whole:
    def feed(self, events: bytes) -> None:
        self._seen = events

    def usage(self) -> Usage | None:
        return Usage(len(getattr(self, "_seen", b"")), 0)


class CountsBatches(ChatDialect):
    """Its meter depends on how the bytes arrive."""

    def usage_meter(self) -> UsageMeter:
        return _Whole()


class NeverEnds(ChatDialect):
    """Knows no terminal marker, and no event that finishes."""

    def terminal(self, event: bytes) -> Terminal | None:
        return None


class EndsUnseen(ChatDialect):
    """Its hints are in no event."""

    terminal_hints = (b"fin",)


class _Hasty(ChatStreamParser):
    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        fact = msgspec.json.decode(sse.data_of(event) or b"{}")
        return super().feed(event) if fact.keys() else ()


class TrustsEvents(ChatDialect):
    """Takes every event for an object."""

    def stream_parser(self) -> StreamParser:
        return _Hasty()


class TrustsEnds(ChatDialect):
    """Takes what only looks at an event for a place to raise."""

    def terminal(self, event: bytes) -> Terminal | None:
        return "end" if "end" in msgspec.json.decode(sse.data_of(event) or b"") else None


CASES: list[tuple[str, type[ChatDialect], str]] = [
    ("requests-come-back", Forgets, "max_tokens: 5 is now None"),
    ("requests-come-back", Loses, "it loses stream dropped"),
    ("requests-come-back", Grows, "the second time"),
    ("odd-requests", Trusts, "makes it raise TypeError"),
    ("answers-come-back", Truncates, "choices[0].finish_reason: 'stop' is now None"),
    ("odd-answers", Stumbles, "makes it raise KeyError"),
    ("odd-answers", FailsAtFailures, "makes it raise"),
    ("streams-come-back", SkipsText, "[2].text: '日本' is now '日'"),
    ("cuts-change-nothing", CountsBatches, "are read as something else"),
    ("ends-are-told", NeverEnds, "ends with its events [] of 6"),
    ("ends-are-told", EndsUnseen, "holds none of its terminal_hints"),
    ("odd-events", TrustsEvents, "AttributeError"),
    ("odd-events", TrustsEnds, "makes it raise"),
]


@pytest.mark.parametrize(
    ("law_id", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law_that_a_dialect_breaks(
    law_id: str, kind: type[ChatDialect], what: str
) -> None:
    (law,) = [law for law in LAWS if law.id == law_id]
    with pytest.raises(LawBrokenError) as broken:
        law.hold(Samples(kind(), [REQUEST], [ANSWER], [STREAM]))
    said = str(broken.value)
    assert said.startswith(f"{law.id}: {law.says}\ndialect 'testing.chat': ")
    assert what in said


def test_a_law_that_does_not_exist_cannot_be_skipped() -> None:
    with pytest.raises(ValueError, match="there is no law nonsense"):
        check_dialect(TESTING_CHAT, requests=[REQUEST], skip={"nonsense": "it is none"})


def test_laws_without_samples_are_not_tried() -> None:
    binding = [law.id for law in LAWS if law.binds(Samples(TESTING_CHAT, [REQUEST]))]
    assert binding == ["requests-come-back", "odd-requests"]
