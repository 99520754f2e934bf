"""Every mistake of a caller gets its status, and words that say what, where and how to mend it."""

import re
from typing import Any

import pytest
from attrs import frozen
from tests.security.conftest import KEY
from tests.security.wire import CHAT, Reply, Wire

from jackfield.testing import FakeUpstream

RESPONSES, EMBEDDINGS, COMPLETIONS = "/v1/responses", "/v1/embeddings", "/v1/completions"
USER = b'"messages": [{"role": "user", "content": "hi"}]'
JSON = "application/json"
NEVER = re.compile(
    rb"Traceback|File \"|\.py\b|127\.0\.0\.1:\d+/v1|<[\w.]+ object at|msgspec|aiohttp"
)


@frozen
class Mistake:
    """A request, and what its answer must say."""

    path: str
    body: bytes
    status: int
    words: tuple[str, ...]
    param: str | None = None
    media: str = JSON
    method: str = "POST"


def of_each_model(path: str, rest: bytes) -> list[Mistake]:
    """The mistakes with a model that every endpoint with one can be sent."""
    return [
        Mistake(path, b"{" + rest + b"}", 400, ("model",), "model"),
        Mistake(path, b'{"model": 3, ' + rest + b"}", 400, ("model", "string"), "model"),
        Mistake(path, b'{"model": null, ' + rest + b"}", 400, ("model",), "model"),
        Mistake(path, b'{"model": ["m"], ' + rest + b"}", 400, ("model", "string"), "model"),
        Mistake(path, b'{"model": "", ' + rest + b"}", 400, ("model",), "model"),
        Mistake(
            path, b'{"model": "' + b"m" * 300 + b'", ' + rest + b"}", 400, ("model", "256"), "model"
        ),
        Mistake(path, b'{"model": "a\\nb", ' + rest + b"}", 400, ("model", "printable"), "model"),
        Mistake(path, b"nope", 400, ("body", "JSON", "line 1")),
        Mistake(path, b"", 400, ("body", "JSON", "empty")),
        Mistake(path, b'{"model": "m",', 400, ("body", "JSON", "line 1")),
        Mistake(path, b"[1]", 400, ("object",)),
        Mistake(path, b'"text"', 400, ("object",)),
        Mistake(path, b'{"model": "m"}', 415, ("content type", JSON), media="text/plain"),
        Mistake(path, b'{"model": "m", "model": "n"}', 400, ("model", "twice"), "model"),
        Mistake(path, b'{"model": "m", "n": NaN}', 400, ("NaN",)),
    ]


MISTAKES = [
    *of_each_model(CHAT, USER),
    *of_each_model(RESPONSES, b'"input": "hi"'),
    *of_each_model(EMBEDDINGS, b'"input": "hi"'),
    *of_each_model(COMPLETIONS, b'"prompt": "hi"'),
    Mistake(CHAT, b'{"model": "m", "stream": "yes", ' + USER + b"}", 400, ("stream",), "stream"),
    Mistake(RESPONSES, b'{"model": "m", "stream": 1}', 400, ("stream",), "stream"),
    Mistake("/nowhere", b"{}", 404, ("/nowhere",)),
    Mistake("/", b"{}", 404, ("endpoint",)),
    Mistake("/chat/completions", b"{}", 404, ("/chat/completions",)),
    Mistake("/v1/chat/completions/", b"{}", 404, ("slash at its end",)),
    Mistake("/v2/chat/completions", b"{}", 404, ("/v2/chat/completions",)),
    Mistake("/health", b"{}", 405, ("/health", "POST", "GET")),
    Mistake("/jackfield/explain", b"", 405, ("GET", "POST"), method="GET"),
    Mistake("/jackfield/explain", b"[]", 400, ("path", "body")),
    Mistake("/jackfield/explain", b'{"body": null}', 400, ("path", "body")),
    Mistake("/jackfield/explain", b'{"path": 3, "body": {}}', 400, ("path",)),
    Mistake(
        "/jackfield/explain", b'{"path": "/v1/x", "body": {}, "headers": 3}', 400, ("headers",)
    ),
]


def check(reply: Reply, status: int) -> dict[str, Any]:
    """What holds of every error."""
    assert reply.status == status, reply.raw
    error = reply.error
    assert error["message"].strip()
    assert {"message", "type", "param", "code", "request_id"} <= set(error)
    assert error["code"]
    assert error["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["content-type"] == JSON
    assert not NEVER.search(reply.raw), reply.raw
    assert KEY.encode() not in reply.raw
    return error


@pytest.mark.parametrize(
    "wrong", MISTAKES, ids=lambda m: f"{m.path} {m.body[:40].decode()} {m.media}"
)
async def test_a_mistake_is_explained(wire: Wire, upstream: FakeUpstream, wrong: Mistake) -> None:
    headers = {"Content-Type": wrong.media}
    error = check(await wire.request(wrong.path, wrong.body, headers, wrong.method), wrong.status)
    assert all(word in error["message"] for word in wrong.words), error["message"]
    assert error["param"] == wrong.param or wrong.param is None
    assert upstream.requests == []


async def test_a_header_of_an_unknown_provider_is_explained(wire: Wire) -> None:
    reply = await wire.request("/v1/files", b"", {"X-Jackfield-Provider": "nobody"}, "GET")
    error = check(reply, 404)
    assert "nobody" in error["message"]


@pytest.mark.parametrize(
    ("upstream_status", "status", "code"),
    [(401, 502, "provider_error"), (403, 502, "provider_error"), (500, 500, "provider_error")],
)
async def test_a_provider_that_refuses_the_gateway_is_named_as_such(
    wire: Wire, upstream: FakeUpstream, upstream_status: int, status: int, code: str
) -> None:
    body = b'{"error": {"message": "Incorrect API key provided: %b"}}' % KEY.encode()
    upstream.reply(body, upstream_status)
    error = check(await wire.request(CHAT, b'{"model": "m", ' + USER + b"}"), status)
    assert error["code"] == code
    assert "provider" in error["message"].lower()
    assert upstream_status != 401 or "keys" in error["message"]


async def test_a_provider_that_cannot_be_reached_is_not_given_away(
    wire: Wire, upstream: FakeUpstream
) -> None:
    await upstream.__aexit__()
    error = check(await wire.request(CHAT, b'{"model": "m", ' + USER + b"}"), 502)
    assert error["code"] == "provider_unavailable"
