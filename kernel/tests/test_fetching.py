from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from jackfield._client import Client, Origin
from jackfield._fetching import Address, Fetched, Fetcher
from jackfield.errors import InvalidRequest
from jackfield.settings import Upstream
from jackfield.testing import FakeUpstream, Gate

PNG = b"\x89PNG\r\n\x1a\n and so on"
Make = Callable[..., Fetcher]


@pytest.fixture
async def fetcher() -> AsyncIterator[Make]:
    """Makes fetchers that may connect to this machine, which a gateway's may not."""
    async with Client() as client:

        def open_origin(url: str) -> Origin:
            return client.origin(url, name="media", allow_http=True)

        yield lambda **limits: Fetcher(Upstream(fetch_urls=True, **limits), open_origin)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def image(url: str) -> Address:
    return Address(url, "image", "messages[0]")


def picture(server: FakeUpstream, body: bytes = PNG, **more: Any) -> None:
    server.reply(body, headers={"Content-Type": "image/png"}, **more)


async def test_the_bytes_and_their_type_are_fetched(fetcher: Make, upstream: FakeUpstream) -> None:
    picture(upstream)
    found = await fetcher().fetch([image(f"{upstream.base_url}/a b.png?size=é#part")])
    assert found == [Fetched(PNG, "image/png")]
    assert upstream.requests[0].path == "/a%20b.png?size=%C3%A9"
    assert "authorization" not in upstream.requests[0].headers


async def test_several_are_fetched_in_their_order(fetcher: Make, upstream: FakeUpstream) -> None:
    paths = ("/1", "/2", "/3")
    for _ in paths:
        picture(upstream)
    await fetcher().fetch([image(upstream.base_url + path) for path in paths])
    assert sorted(one.path for one in upstream.requests) == list(paths)


async def test_a_type_that_is_not_stated_is_recognized_from_the_bytes(
    fetcher: Make, upstream: FakeUpstream
) -> None:
    upstream.reply(b"%PDF-1.7", headers={"Content-Type": "application/octet-stream"})
    address = Address(f"{upstream.base_url}/a", "document", "messages[0]")
    assert await fetcher().fetch([address]) == [Fetched(b"%PDF-1.7", "application/pdf")]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        ({"status": 302, "headers": {"Location": "http://127.0.0.1/"}}, "another address"),
        ({"status": 404}, "status 404"),
        ({"body": b"<html>", "headers": {"Content-Type": "text/html"}}, "not of a type"),
        ({"body": b"?", "headers": {"Content-Type": "application/octet-stream"}}, "not of a type"),
        ({"body": [b"x" * 60, b"x" * 60]}, "holds more"),
        ({"body": b"x", "framing": "cut"}, "cannot be reached"),
    ],
)
async def test_what_is_no_image_is_refused(
    fetcher: Make, upstream: FakeUpstream, reply: dict[str, Any], why: str
) -> None:
    upstream.reply(**{"headers": {"Content-Type": "image/png"}, **reply})
    with pytest.raises(InvalidRequest, match=why) as refused:
        await fetcher(fetch_max=100).fetch([image(f"{upstream.base_url}/a")])
    assert refused.value.param == "messages[0]"
    assert upstream.base_url not in refused.value.message


async def test_the_limit_holds_for_all_of_a_request(fetcher: Make, upstream: FakeUpstream) -> None:
    for _ in range(2):
        picture(upstream, b"x" * 60)
    with pytest.raises(InvalidRequest, match="holds more"):
        await fetcher(fetch_max=100).fetch([image(f"{upstream.base_url}/{n}") for n in (1, 2)])


async def test_a_host_that_does_not_answer_is_given_up(
    fetcher: Make, upstream: FakeUpstream
) -> None:
    picture(upstream, gate=Gate())
    with pytest.raises(InvalidRequest, match=r"took over 0\.05 s"):
        await fetcher(fetch_seconds=0.05).fetch([image(f"{upstream.base_url}/a")])


@pytest.mark.parametrize(
    "url",
    [
        "https://",
        "https://[",
        "https://user:secret@example.com/a.png",
        "http://elsewhere.example.com/a.png",
        "http://example.com.evil.test/a.png",
        "http://host:99999/",
    ],
)
async def test_an_address_that_may_not_be_fetched_is_refused(fetcher: Make, url: str) -> None:
    with pytest.raises(InvalidRequest, match="cannot be fetched"):
        await fetcher(fetch_hosts=("example.com", "*.images.example.com")).fetch([image(url)])


async def test_too_many_addresses_are_refused(fetcher: Make, upstream: FakeUpstream) -> None:
    with pytest.raises(InvalidRequest, match="at most 20"):
        await fetcher().fetch([image(f"{upstream.base_url}/{n}") for n in range(21)])
    assert not upstream.requests
