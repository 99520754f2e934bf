"""Whatever a request holds, no connection is made but to the configured provider."""

import itertools
import json
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from tests.security.conftest import COMPLETION
from tests.security.wire import Wire

from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply

HOSTS = [
    *("169.254.169.254", "metadata.google.internal", "100.100.100.200", "192.0.0.192", "10.0.0.1"),
    *("127.0.0.1:6379", "localhost:22", "0.0.0.0", "0", "127.1", "2130706433", "0x7f000001"),
    *("0177.0.0.1", "017700000001", "127.0.1.3", "[::1]", "[::]", "[::ffff:127.0.0.1]"),
    *("[::ffff:7f00:1]", "[fd00:ec2::254]", "[64:ff9b::7f00:1]", "[0:0:0:0:0:ffff:a9fe:a9fe]"),
    *("127.0.0.1.nip.io", "localtest.me", "spoofed.burpcollaborator.example", "evil.example"),
    *("①②⑦.⓪.⓪.①", "127。0。0。1", "evil.example@127.0.0.1", "127.0.0.1@evil.example"),
    *("evil.example#@127.0.0.1", "127.0.0.1%00.evil.example", "evil.example%2f@127.0.0.1"),
    *("169.254.169.254.", "0251.0376.0251.0376", "0xa9.0xfe.0xa9.0xfe", "2852039166"),
]
SHAPES = [
    *("http://{}/", "https://{}/x", "//{}/", "HTTP://{}", "http:/{}/", "http:\\\\{}\\", "{}"),
    *("ftp://{}/a", "gopher://{}/_x", "dict://{}/i", "file://{}/etc/passwd", "ldap://{}/o"),
    *("http://{}:80/latest/meta-data/", "url:http://{}", "jar:http://{}!/", "http://{}?a=b#c"),
]
PAYLOADS = [shape.format(host) for shape, host in itertools.product(SHAPES, HOSTS)]

_watched: list[tuple[str, Any]] | None = None


def _on_event(event: str, details: tuple[Any, ...]) -> None:
    if _watched is not None and event in ("socket.connect", "socket.getaddrinfo"):
        _watched.append((event, details[1] if event == "socket.connect" else details[0]))


sys.addaudithook(_on_event)


@pytest.fixture
def attempts() -> Iterator[list[tuple[str, Any]]]:
    """Every connection and every look-up of a name that this process begins."""
    global _watched  # noqa: PLW0603 - an audit hook can never be taken away again
    _watched = []
    yield _watched
    _watched = None


def elsewhere(attempts: list[tuple[str, Any]], *ports: int) -> list[tuple[str, Any]]:
    """The attempts that were not at 127.0.0.1 and one of the ports."""
    allowed: list[tuple[str, Any]] = [("socket.getaddrinfo", "127.0.0.1")]
    allowed += [("socket.connect", ("127.0.0.1", port)) for port in ports]
    return [attempt for attempt in attempts if attempt not in allowed]


def body_of(payload: str) -> dict[str, Any]:
    """A chat with the payload wherever a text can stand."""
    image = {"type": "image_url", "image_url": {"url": payload}}
    file = {"type": "file", "file": {"file_data": payload, "file_id": payload}}
    text = {"type": "text", "text": payload}
    function = {"name": "f", "description": payload, "parameters": {"$ref": payload}}
    return {
        "model": "m",
        "messages": [{"role": "user", "name": payload, "content": [text, image, file]}],
        "tools": [{"type": "function", "function": function}],
        "user": payload,
        "metadata": {"webhook": payload, payload: "x"},
        "response_format": {"type": "json_schema", "json_schema": {"$schema": payload}},
        "base_url": payload,
        "api_base": payload,
        "url": payload,
        "endpoint": payload,
        "proxies": {"http": payload},
    }


def test_the_payloads_are_enough() -> None:
    assert len(PAYLOADS) >= 500


async def test_no_field_of_a_body_makes_a_connection(
    client: GatewayClient, upstream: FakeUpstream, attempts: list[tuple[str, Any]]
) -> None:
    for payload in PAYLOADS:
        await client.post("/v1/chat/completions", json=body_of(payload))
    port = int(upstream.base_url.rpartition(":")[2])
    assert len(upstream.requests) == len(PAYLOADS)
    assert elsewhere(attempts, port) == []


async def test_no_other_operation_and_no_name_of_a_model_does_either(
    client: GatewayClient, upstream: FakeUpstream, attempts: list[tuple[str, Any]]
) -> None:
    for payload in PAYLOADS[::3]:
        for path, more in (
            ("/v1/chat/completions", {"model": payload, "messages": []}),
            ("/v1/responses", {"model": "m", "input": payload, "previous_response_id": payload}),
            ("/v1/embeddings", {"model": payload, "input": payload}),
            ("/v1/images/edits", {"model": "m", "image": payload, "mask": payload}),
            ("/jackfield/explain", {"path": payload, "body": {"model": payload}}),
        ):
            await client.post(path, json=more)
    port = int(upstream.base_url.rpartition(":")[2])
    assert elsewhere(attempts, port) == []


async def test_no_header_query_or_environment_does_either(
    wire: Wire,
    upstream: FakeUpstream,
    attempts: list[tuple[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://169.254.169.254:3128")
    names = ("X-Forwarded-Host", "X-Original-URL", "X-Base-URL", "Referer", "X-Jackfield-Provider")
    for payload in (one for one in PAYLOADS[::4] if one.isascii()):
        headers = dict.fromkeys(names, payload)
        body = json.dumps({"model": "m", "messages": []}).encode()
        target = f"/v1/chat/completions?url={payload}&base_url={payload}".replace("#", "%23")
        await wire.request(target.replace("\\", "%5C"), body, headers)
        await wire.request(body=body, headers={"Host": payload})
    port = int(upstream.base_url.rpartition(":")[2])
    assert upstream.requests
    assert elsewhere(attempts, port, wire.port) == []


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308])
async def test_a_redirect_is_not_followed_nor_passed_on(
    client: GatewayClient, upstream: FakeUpstream, attempts: list[tuple[str, Any]], status: int
) -> None:
    body = b"" if status == 304 else b"<a href='http://169.254.169.254/'>here</a>"
    place = {"Location": "http://169.254.169.254/", "Refresh": "0", "Content-Type": "text/html"}
    upstream.always(UpstreamReply(status, (body,), place, framing="length"))
    for path in ("/v1/chat/completions", "/v1/moderations", "/v1/files"):
        answer = await client.post(path, json={"model": "m", "messages": []})
        assert answer.status == 502
        assert b"169.254" not in await answer.read() + repr(answer.headers).encode()
    port = int(upstream.base_url.rpartition(":")[2])
    assert elsewhere(attempts, port) == []
    upstream.always(UpstreamReply(200, (COMPLETION,), framing="length"))
