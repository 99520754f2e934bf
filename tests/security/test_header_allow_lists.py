"""Which headers pass: of a client's to the provider, and of a provider's to the client."""

from collections.abc import Iterator

import pytest
from tests.security.conftest import COMPLETION, KEY
from tests.security.wire import Wire

from jackfield.testing import FakeUpstream

ALWAYS_SENT = {"authorization", "user-agent", "content-type", "content-length", "host"}
FORWARDED = {"accept", "idempotency-key", "openai-beta", "openai-organization", "openai-project"}
CREDENTIALS = ["Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Set-Cookie"]
HOPS = ["Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "TE", "Trailer", "Via"]
ADDRESSES = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "X-Original-URL"]
UNDERSCORED = ["Accept_", "X_Api_Key", "Idempotency_Key", "OpenAI_Beta", "Content_Length"]
OUTGOING = {"content-type", "content-length", "x-request-id", "x-jackfield-target"}
OUTGOING |= {"x-jackfield-provider-request-id"}
OUTGOING |= {"server-timing", "date", "connection", "x-ratelimit-remaining-requests"}
OUTGOING |= {"content-disposition"}
KNOWN = [
    *("Accept-Encoding", "Accept-Language", "Cache-Control", "Date", "From", "If-Match", "Range"),
    *("If-None-Match", "Link", "Location", "Max-Forwards", "Origin-Agent", "Pragma", "Referer"),
    *("Traceparent", "Tracestate", "Baggage", "User-Agent", "Warning", "X-Request-Id", "Server"),
    *("X-Amz-Date", "X-Amz-Security-Token", "X-Http-Method-Override", "X-Stainless-Lang"),
    *("Anthropic-Version", "Anthropic-Beta", "Metadata-Flavor", "X-Jackfield-Provider"),
    *("Content-Location", "Content-Language", "Content-Disposition", "X-Middleware-Subrequest"),
]
NAMES = [*CREDENTIALS, *HOPS, *ADDRESSES, *UNDERSCORED, *KNOWN]
NAMES += [f"X-Made-Up-{number}" for number in range(200 - len(NAMES))]


def in_lots() -> Iterator[dict[str, str]]:
    """The names in requests of fewer headers than are refused."""
    for start in range(0, len(NAMES), 50):
        names = NAMES[start : start + 50]
        yield {name: f"leak-{start + at}" for at, name in enumerate(names)}


async def test_of_200_headers_of_a_client_none_reaches_the_provider(
    wire: Wire, upstream: FakeUpstream
) -> None:
    for headers in in_lots():
        headers.pop("X-Jackfield-Provider", None)
        reply = await wire.request(body=b'{"model": "m", "messages": []}', headers=headers)
        assert reply.status == 200, reply.raw
    assert len(NAMES) == 200
    for request in upstream.requests:
        assert {name.lower() for name in request.headers} == ALWAYS_SENT
        assert b"leak-" not in request.head
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["user-agent"] == "jackfield"


async def test_only_what_the_provider_asks_for_is_forwarded(
    wire: Wire, upstream: FakeUpstream
) -> None:
    headers = dict.fromkeys(FORWARDED, "passed") | {"X-Other": "kept"}
    await wire.request(body=b'{"model": "m", "messages": []}', headers=headers)
    assert {name.lower() for name in upstream.requests[0].headers} == ALWAYS_SENT | FORWARDED


async def test_a_header_that_connection_names_is_not_forwarded_by_another_way(
    wire: Wire, upstream: FakeUpstream
) -> None:
    body = b'{"model": "m", "messages": []}'
    await wire.send(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Hop: leak-1\r\n"
        b"Connection: close, X-Hop, Authorization\r\nAuthorization: Bearer leak-2\r\n"
        b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    head = upstream.requests[0].head
    assert b"leak" not in head
    assert b"X-Hop" not in head


@pytest.mark.parametrize("value", ["日本", "caf\u00e9 \u20ac"])
async def test_a_forwarded_header_that_cannot_be_sent_is_refused(wire: Wire, value: str) -> None:
    reply = await wire.request(
        body=b'{"model": "m", "messages": []}', headers={"Idempotency-Key": value}
    )
    assert reply.status == 400
    assert "idempotency-key" in reply.error["message"]


async def test_of_the_headers_of_a_provider_only_allowed_ones_pass(
    wire: Wire, upstream: FakeUpstream
) -> None:
    given = {
        **{
            name: "upstream-leak"
            for name in NAMES
            if name not in {"Content-Length", "X-Request-Id"}
        },
        "Content-Disposition": f'attachment; filename="{KEY}.txt"',
        "Access-Control-Allow-Origin": "*",
        "Refresh": "0; url=http://upstream-leak",
        "X-RateLimit-Remaining-Requests": "41",
        "Content-Security-Policy": "upstream-leak",
        "Strict-Transport-Security": "max-age=1",
        "X-Powered-By": "upstream-leak",
    }
    passed: set[str] = set()
    for start in range(0, len(given), 60):
        lot = dict(list(given.items())[start : start + 60])
        upstream.reply(COMPLETION, headers={**lot, "X-Request-Id": "req_provider"})
        reply = await wire.request(body=b'{"model": "m", "messages": []}')
        assert reply.status == 200
        assert b"upstream-leak" not in reply.raw
        assert KEY[:12].encode() not in reply.raw
        passed |= {name.lower() for name in reply.headers}
    assert passed == OUTGOING


@pytest.mark.parametrize(
    "value", [KEY, f"tail {KEY[4:14]}", "http://10.0.0.1/", "a" * 200, "b\u00e9ret at 9 o'clock"]
)
async def test_an_allowed_header_with_a_secret_in_it_does_not_pass(
    wire: Wire, upstream: FakeUpstream, value: str
) -> None:
    upstream.reply(COMPLETION, headers={"X-RateLimit-Key": value, "X-Request-Id": value})
    reply = await wire.request(body=b'{"model": "m", "messages": []}')
    assert "x-ratelimit-key" not in reply.headers
    assert "x-jackfield-provider-request-id" not in reply.headers


async def test_a_key_in_the_query_of_a_client_is_not_forwarded(
    wire: Wire, upstream: FakeUpstream
) -> None:
    keys = "key=leak&api_key=leak&API-Key=leak&%6bey=leak&access_token=leak&token=leak"
    await wire.request(f"/v1/files?after=x&{keys}&limit=2", b"", method="GET")
    assert upstream.requests[0].path == "/v1/files?after=x&limit=2"
