"""A provider passes on what its API sends, byte for byte, and never reveals its key."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from attrs import evolve, frozen

from jackfield.dialects import Dialect
from jackfield.endpoints import Endpoint
from jackfield.events import Ended, Finished, Started, TextDelta, UsageReported
from jackfield.http_provider import HttpProvider
from jackfield.messages import ChatRequest, Message, Text, Usage
from jackfield.testing.dialect import CHAT_ENDPOINT, TESTING_CHAT
from jackfield.testing.law import Law, LawBrokenError, Subject, is_provider
from jackfield.testing.stage import CANARY, Stage, stage
from jackfield.testing.upstream import FakeUpstream

_MODEL = re.compile(r"\{model\*?\}")

SIZES = (1, 7, 1 << 20)
"""Bytes that the API sends at once."""

EVENTS = (
    Started("canned", "any"),
    TextDelta(0, "The quick brown fox"),
    TextDelta(0, " jumps över the lazy dog. 🙂"),
    Finished("stop"),
    UsageReported(Usage(7, 11)),
    Ended(),
)


@frozen
class Door:
    """An endpoint, the dialect in which a client streams there, and the one that the API speaks."""

    endpoint: Endpoint
    dialect: Dialect
    spoken: Dialect

    def ask(self, provider: str) -> tuple[str, bytes]:
        """The path and the body of a request for a stream."""
        model = f"{provider}/any"
        said = Message("user", (Text("Hello"),))
        request = ChatRequest(model, (said,), stream=True, include_usage=True, max_tokens=64)
        path = _MODEL.sub(quote(model, safe=""), self.endpoint.path)
        return path, self.dialect.render_request(request).body

    def stream(self) -> bytes:
        """A canned stream."""
        request = ChatRequest("any", (), stream=True, include_usage=True)
        renderer = self.spoken.stream_renderer(request)
        return b"".join(renderer.render(event) for event in EVENTS)


def door_of(subject: Subject) -> Door | None:
    """The first of its endpoints at which a chat can be streamed, else the kit's own."""
    for endpoint in getattr(subject.kind, "endpoints", ()):
        dialect = endpoint.dialect.variant({"model": "any"})
        bare = _MODEL.sub("", endpoint.path)
        can_ask = "{" not in bare and (endpoint.stream or bare == endpoint.path)
        if dialect.operation == "chat" and dialect.translates and can_ask:
            return Door(endpoint, dialect, dialect)
    paths = getattr(subject.kind, "paths", {})
    for spoken in getattr(subject.kind, "dialects", ()):
        if spoken.operation == "chat" and spoken.translates and spoken.name in paths:
            return Door(CHAT_ENDPOINT, TESTING_CHAT, spoken)
    return None


def speaks_http(subject: Subject) -> bool:
    """Whether it passes on an API's streams."""
    return issubclass(subject.kind, HttpProvider) and door_of(subject) is not None


def passes_through(subject: Subject) -> bool:
    """Whether it passes them on unchanged."""
    return speaks_http(subject) and _door(subject).spoken is _door(subject).dialect


def is_canonical(subject: Subject) -> bool:
    """Whether it is a provider that uses the canonical form."""
    return is_provider(subject) and not issubclass(subject.kind, HttpProvider)


def _behind(subject: Subject, upstream: FakeUpstream) -> Subject:
    own: Mapping[str, Any] = {"keys": ["env:JACKFIELD_CANARY_KEY"], **subject.config}
    return evolve(subject, config={**own, "base_url": f"{upstream.base_url}/v1"})


async def passes_bytes_through(subject: Subject) -> None:
    """The same bytes come out, in however small pieces they arrive."""
    door = _door(subject)
    sent = door.stream()
    for size in SIZES:
        async with FakeUpstream() as upstream, stage(_behind(subject, upstream)) as on:
            parts = [sent[at : at + size] for at in range(0, len(sent), size)]
            upstream.stream(parts, content_type=door.dialect.framing.content_type)
            received = await _ask(on, door)
            if received != sent:
                raise LawBrokenError(
                    f"of a stream that came {size} bytes at a time it made {received!r},"
                    f" and {sent!r} was sent"
                )


async def tells_a_cut(subject: Subject) -> None:
    """A stream without its end is an error to the client."""
    door = _door(subject)
    framing = door.spoken.framing
    whole = framing.split(door.stream())
    for events in (whole[:1], whole[:2], whole[:3]):
        if any(door.spoken.terminal(event) == "end" for event in events):
            break
        async with FakeUpstream() as upstream, stage(_behind(subject, upstream)) as on:
            upstream.stream(events, framing="cut", content_type=framing.content_type)
            received = await _ask(on, door)
            told = door.dialect.framing.split(received)
            terminal = [door.dialect.terminal(event) for event in told]
            if "error" not in terminal or "end" in terminal:
                raise LawBrokenError(f"of a stream that was cut it made {received!r}")
            kind = (await on.settled()).outcome.kind
            if kind not in ("truncated", "failed"):
                raise LawBrokenError(f"a stream that was cut was settled as {kind}")


async def hides_its_key(subject: Subject) -> None:
    """An API that repeats the key in its error does not reveal it."""
    door = _door(subject)
    said = b'{"error": {"message": "Incorrect API key provided: %b"}}' % CANARY.encode()
    for status in (400, 401, 500):
        async with FakeUpstream() as upstream, stage(_behind(subject, upstream)) as on:
            upstream.reply(said, status)
            received = await _ask(on, door)
            if CANARY.encode() in received:
                raise LawBrokenError(f"its key was shown to the client: {received!r}")


async def ends_its_streams(subject: Subject) -> None:
    """It answers whole and streamed, in any dialect, and its streams end properly."""
    async with stage(subject) as on:
        model = next((one.id for one in await _models(on)), "any")
        whole = await on.client.chat(subject.texts[0], model=f"{subject.name}/{model}")
        if whole.status != 200:
            raise LawBrokenError(f"it refused a plain request: {await whole.read()!r}")
        streamed = await on.client.chat(
            subject.texts[0], model=f"{subject.name}/{model}", stream=True
        )
        if b'"end"' not in await streamed.read():
            raise LawBrokenError(f"its stream has no end: {await streamed.read()!r}")


async def _models(on: Stage) -> Any:
    return await on.gateway.providers[on.subject.name].models()


async def _ask(on: Stage, door: Door) -> bytes:
    path, body = door.ask(on.subject.name)
    answer = await on.client.post(path, body=body)
    return await answer.read()


def _door(subject: Subject) -> Door:
    door = door_of(subject)
    if door is None:
        raise LawBrokenError("it has no endpoint at which a chat can be streamed")
    return door


UPSTREAM = (
    Law(
        "bytes-stay-bytes",
        "a stream comes out as it came in, however it is cut",
        passes_bytes_through,
        passes_through,
    ),
    Law("cut-is-an-error", "a stream that is cut ends in an error", tells_a_cut, speaks_http),
    Law("key-in-an-error", "a key does not get out in an error", hides_its_key, speaks_http),
    Law(
        "provider-answers", "a provider answers whole and streamed", ends_its_streams, is_canonical
    ),
)
