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
from jackfield.testing.harness import CANARY, Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, is_provider
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
class StreamEndpoint:
    """An endpoint, the dialect in which a client streams there, and the API's `native` one."""

    endpoint: Endpoint
    dialect: Dialect
    native: Dialect

    def request(self, provider: str) -> tuple[str, bytes]:
        """The path and the body of a request for a stream."""
        model = f"{provider}/any"
        message = Message("user", (Text("Hello"),))
        request = ChatRequest(model, (message,), stream=True, include_usage=True, max_tokens=64)
        path = _MODEL.sub(quote(model, safe=""), self.endpoint.path)
        return path, self.dialect.render_request(request).body

    def stream(self) -> bytes:
        """A canned stream."""
        request = ChatRequest("any", (), stream=True, include_usage=True)
        renderer = self.native.stream_renderer(request)
        return b"".join(renderer.render(event) for event in EVENTS)


def stream_endpoint_of(subject: Subject) -> StreamEndpoint | None:
    """The first of its endpoints at which a chat can be streamed, else the kit's own."""
    for endpoint in getattr(subject.kind, "endpoints", ()):
        dialect = endpoint.dialect.variant({"model": "any"})
        bare = _MODEL.sub("", endpoint.path)
        is_callable_here = "{" not in bare and (endpoint.stream or bare == endpoint.path)
        if dialect.operation == "chat" and dialect.translates and is_callable_here:
            return StreamEndpoint(endpoint, dialect, dialect)
    paths = getattr(subject.kind, "paths", {})
    for native in getattr(subject.kind, "dialects", ()):
        if native.operation == "chat" and native.translates and native.name in paths:
            return StreamEndpoint(CHAT_ENDPOINT, TESTING_CHAT, native)
    return None


def is_http_provider(subject: Subject) -> bool:
    """Whether it passes on an API's streams."""
    return issubclass(subject.kind, HttpProvider) and stream_endpoint_of(subject) is not None


def passes_through(subject: Subject) -> bool:
    """Whether it passes them on unchanged."""
    if not is_http_provider(subject):
        return False
    route = _stream_endpoint(subject)
    return route.native is route.dialect


def is_canonical(subject: Subject) -> bool:
    """Whether it is a provider that uses the canonical form."""
    return is_provider(subject) and not issubclass(subject.kind, HttpProvider)


def _behind(subject: Subject, upstream: FakeUpstream) -> Subject:
    own: Mapping[str, Any] = {"keys": ["env:JACKFIELD_CANARY_KEY"], **subject.config}
    here = {"base_url": f"{upstream.base_url}/v1", "models": ["any"]}
    return evolve(subject, config={**own, **here})


async def passes_bytes_through(subject: Subject) -> None:
    """The same bytes come out, in however small pieces they arrive."""
    route = _stream_endpoint(subject)
    sent = route.stream()
    for size in SIZES:
        async with FakeUpstream() as upstream, run_harness(_behind(subject, upstream)) as harness:
            parts = [sent[at : at + size] for at in range(0, len(sent), size)]
            upstream.stream(parts, content_type=route.dialect.framing.content_type)
            received = await _request_stream(harness, route)
            if received != sent:
                raise LawBrokenError(
                    f"of a stream that came {size} bytes at a time it made {received!r},"
                    f" and {sent!r} was sent"
                )


async def reports_a_cut(subject: Subject) -> None:
    """A stream without its end is an error to the client."""
    route = _stream_endpoint(subject)
    framing = route.native.framing
    whole = framing.split(route.stream())
    for events in (whole[:1], whole[:2], whole[:3]):
        if any(route.native.terminal(event) == "end" for event in events):
            break
        async with FakeUpstream() as upstream, run_harness(_behind(subject, upstream)) as harness:
            upstream.stream(events, framing="cut", content_type=framing.content_type)
            received = await _request_stream(harness, route)
            relayed = route.dialect.framing.split(received)
            terminal = [route.dialect.terminal(event) for event in relayed]
            if "error" not in terminal or "end" in terminal:
                raise LawBrokenError(f"of a stream that was cut it made {received!r}")
            kind = (await harness.settled()).outcome.kind
            if kind not in ("truncated", "failed"):
                raise LawBrokenError(f"a stream that was cut was settled as {kind}")


async def hides_its_key(subject: Subject) -> None:
    """An API that repeats the key in its error does not reveal it."""
    route = _stream_endpoint(subject)
    message = b'{"error": {"message": "Incorrect API key provided: %b"}}' % CANARY.encode()
    for status in (400, 401, 500):
        async with FakeUpstream() as upstream, run_harness(_behind(subject, upstream)) as harness:
            upstream.reply(message, status)
            received = await _request_stream(harness, route)
            if CANARY.encode() in received:
                raise LawBrokenError(f"its key was shown to the client: {received!r}")


async def ends_its_streams(subject: Subject) -> None:
    """It answers whole and streamed, in any dialect, and its streams end properly."""
    async with run_harness(subject) as harness:
        model = next((one.id for one in await _models(harness)), "any")
        whole = await harness.client.chat(subject.texts[0], model=f"{subject.name}/{model}")
        if whole.status != 200:
            raise LawBrokenError(f"it refused a plain request: {await whole.read()!r}")
        streamed = await harness.client.chat(
            subject.texts[0], model=f"{subject.name}/{model}", stream=True
        )
        if b'"end"' not in await streamed.read():
            raise LawBrokenError(f"its stream has no end: {await streamed.read()!r}")


async def _models(harness: Harness) -> Any:
    return await harness.gateway.providers[harness.subject.name].models()


async def _request_stream(harness: Harness, route: StreamEndpoint) -> bytes:
    path, body = route.request(harness.subject.name)
    answer = await harness.client.post(path, body=body)
    return await answer.read()


def _stream_endpoint(subject: Subject) -> StreamEndpoint:
    route = stream_endpoint_of(subject)
    if route is None:
        raise LawBrokenError("it has no endpoint at which a chat can be streamed")
    return route


UPSTREAM = (
    Law(
        "bytes-stay-bytes",
        "a stream comes out as it came in, however it is cut",
        passes_bytes_through,
        passes_through,
    ),
    Law(
        "cut-is-an-error", "a stream that is cut ends in an error", reports_a_cut, is_http_provider
    ),
    Law("key-in-an-error", "a key does not get out in an error", hides_its_key, is_http_provider),
    Law(
        "provider-answers", "a provider answers whole and streamed", ends_its_streams, is_canonical
    ),
)
