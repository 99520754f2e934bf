"""What is turned away at the door, each with its own status and words."""

import json

import pytest
from tests.security.wire import CHAT, Wire

from jackfield.testing import FakeUpstream

CHAT_BODY = b'{"model": "m", "messages": []}'


def nested(depth: int) -> bytes:
    return b'{"model": "m", "messages": ' + b"[" * depth + b"]" * depth + b"}"


MUST_REFUSE = {
    "no value": b"",
    "blank": b"  \n",
    "a word": b"nope",
    "cut": b'{"model": "m"',
    "trailing comma": b'{"model": "m",}',
    "trailing bytes": CHAT_BODY + b"x",
    "two values": CHAT_BODY * 2,
    "single quotes": b"{'model': 'm'}",
    "comment": b'{"model": "m" /* x */}',
    "NaN": b'{"model": "m", "temperature": NaN}',
    "infinity": b'{"model": "m", "temperature": -Infinity}',
    "huge number": b'{"model": "m", "temperature": 1e999}',
    "long integer": b'{"model": "m", "seed": ' + b"1" * 21 + b"}",
    "leading zero": b'{"model": "m", "seed": 01}',
    "plus": b'{"model": "m", "seed": +1}',
    "control character": b'{"model": "m\x01"}',
    "raw newline": b'{"model": "m\n"}',
    "bad escape": b'{"model": "\\x6d"}',
    "lone surrogate": b'{"model": "m", "user": "\\ud800"}',
    "turned surrogates": b'{"model": "m", "user": "\\udc00\\ud800"}',
    "not UTF-8": b'{"model": "m", "user": "\xff"}',
    "overlong UTF-8": b'{"model": "m", "user": "\xc0\xaf"}',
    "UTF-16": CHAT_BODY.decode().encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + CHAT_BODY,
    "doubled key": b'{"model": "m", "model": "n", "messages": []}',
    "doubled key by an escape": b'{"model": "m", "mode\\u006c": "n", "messages": []}',
    "doubled key inside": b'{"model": "m", "messages": [{"role": "user", "role": "system"}]}',
    "doubled key deep inside": b'{"model": "m", "messages": [{"content": [{"a": 1, "a": 2}]}]}',
    "too deep": nested(64),
    "far too deep": nested(100_000),
    "too many keys": json.dumps({"model": "m", **{str(n): 1 for n in range(10_001)}}).encode(),
}


@pytest.mark.parametrize("body", MUST_REFUSE.values(), ids=list(MUST_REFUSE))
async def test_what_is_not_strictly_json_is_refused(
    wire: Wire, upstream: FakeUpstream, body: bytes
) -> None:
    for path in (CHAT, "/v1/responses", "/v1/embeddings", "/v1/completions"):
        reply = await wire.request(path, body)
        assert reply.status == 400
        assert "body" in reply.error["message"]
    assert upstream.requests == []


async def test_what_is_no_json_does_not_pass_where_nothing_is_translated(
    wire: Wire, upstream: FakeUpstream
) -> None:
    for name in ("doubled key", "NaN", "too deep", "not UTF-8", "byte order mark"):
        assert (await wire.request("/v1/moderations", MUST_REFUSE[name])).status == 400
    assert upstream.requests == []


async def test_a_large_body_is_refused_before_it_is_sent(wire: Wire) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10485761\r\n\r\n"
    reply = await wire.send(head.encode())
    assert reply.status == 413
    assert "10485760 bytes" in reply.error["message"]


async def test_a_large_body_in_chunks_is_refused_as_it_comes(wire: Wire) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert (await wire.send(head.encode() + chunk * 11)).status == 413


async def test_json_is_not_an_upload(wire: Wire, upstream: FakeUpstream) -> None:
    body = b'{"model": "m", "input": "' + b"x" * 10_485_760 + b'"}'
    assert (await wire.request("/v1/files", body)).status == 413
    assert upstream.requests == []


async def test_an_upload_has_a_limit_too(wire: Wire) -> None:
    head = (
        "POST /v1/files HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data;"
        f" boundary=b\r\nContent-Length: {(512 << 20) + 1}\r\n\r\n"
    )
    assert (await wire.send(head.encode())).status == 413


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd", "x-unknown", "gzip, identity"])
async def test_a_compressed_body_is_refused(
    wire: Wire, upstream: FakeUpstream, coding: str
) -> None:
    reply = await wire.request(body=b"\x1f\x8b\x08", headers={"Content-Encoding": coding})
    assert reply.status == 415
    assert "Content-Encoding" in reply.error["message"]
    assert upstream.requests == []


@pytest.mark.parametrize(
    "media",
    [
        *("text/plain", "application/xml", "multipart/form-data; boundary=x", "text/json"),
        *(
            "application/jsonx",
            "application/json; charset=utf-16",
            "application/json;charset=utf-7",
        ),
        *("application/x-www-form-urlencoded", "application/json; charset=latin-1", "日本"),
    ],
)
async def test_a_body_of_another_kind_is_refused(
    wire: Wire, upstream: FakeUpstream, media: str
) -> None:
    reply = await wire.request(body=CHAT_BODY, headers={"Content-Type": media})
    assert reply.status == 415
    assert upstream.requests == []


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/x+json",
    ],
)
async def test_json_by_any_of_its_names_is_read(
    wire: Wire, upstream: FakeUpstream, media: str
) -> None:
    await wire.request(body=CHAT_BODY, headers={"Content-Type": media})
    assert len(upstream.requests) == 1


async def test_headers_have_limits(wire: Wire) -> None:
    assert (await wire.request(headers={"X-Long": "a" * 17_000})).status == 431
    many = {f"X-{number}": "a" for number in range(101)}
    assert (await wire.request(headers=many)).status in (400, 431)
    large = {f"X-{number}": "a" * 400 for number in range(50)}
    assert (await wire.request(headers=large)).status == 431
