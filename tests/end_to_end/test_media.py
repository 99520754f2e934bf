"""Images that a client names by address, and a provider that takes bytes alone."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from jackfield.dialects import Dialect
from jackfield.http_provider import HttpProvider
from jackfield.testing import Answer, FakeUpstream, GatewayClient, run_gateway
from jackfield_openai.chat import ChatDialect


class BytesDialect(ChatDialect):
    name: ClassVar[str] = "bytes.chat"
    image_urls: ClassVar[bool] = False
    document_urls: ClassVar[bool] = False


BYTES = BytesDialect()


class Bytes(HttpProvider):
    """An API like OpenAI's that fetches nothing itself."""

    dialects: ClassVar[tuple[Dialect, ...]] = (BYTES,)
    paths: ClassVar[Mapping[str, str]] = {BYTES.name: "/chat"}


TOML = """
[providers.bytes]
base_url = "{url}"
[upstream]
{upstream}
"""
ANSWER = (
    b'{"id": "1", "model": "m", "choices": [{"index": 0, "finish_reason": "stop",'
    b' "message": {"role": "assistant", "content": "A cat."}}]}'
)


async def send_image(gateway: GatewayClient, url: str) -> Answer:
    image = {"type": "image_url", "image_url": {"url": url}}
    body = {"model": "bytes/m", "messages": [{"role": "user", "content": [image]}]}
    return await gateway.post("/v1/chat/completions", json=body)


async def refusal(url: str, upstream: str) -> Any:
    async with FakeUpstream() as server:
        toml = TOML.format(url=server.base_url, upstream=upstream)
        async with run_gateway(toml, {"bytes": Bytes}) as gateway:
            answer = await send_image(gateway, url)
            assert answer.status == 400
            assert not server.requests
            return (await answer.json())["error"]


async def test_an_address_is_refused_where_nothing_may_be_fetched() -> None:
    error = await refusal("https://example.com/a.png", "")
    assert error["type"] == "invalid_request_error"
    assert "images.url" in error["message"]
    assert "upstream.fetch_urls" in error["message"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/a.png",
        "http://[::1]/a.png",
        "http://localhost/a.png",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/a.png",
        "http://0x7f000001/a.png",
    ],
)
async def test_an_address_that_is_not_on_the_open_internet_is_refused(url: str) -> None:
    error = await refusal(url, "fetch_urls = true")
    assert "open internet" in error["message"]
    assert error["param"] == "messages[0]"


async def test_the_guard_lets_nothing_reach_a_server_on_this_machine() -> None:
    async with FakeUpstream() as private:
        private.reply(b"secret", headers={"Content-Type": "image/png"})
        await refusal(f"{private.base_url}/a.png", "fetch_urls = true")
        assert not private.requests


async def test_a_data_url_is_sent_as_the_data_that_it_is() -> None:
    async with FakeUpstream() as server:
        server.reply(ANSWER)
        toml = TOML.format(url=server.base_url, upstream="")
        async with run_gateway(toml, {"bytes": Bytes}) as gateway:
            answer = await send_image(gateway, "data:image/png;base64,iVBORw0KGgo=")
            assert answer.status == 200
        assert b"data:image/png;base64,iVBORw0KGgo=" in server.requests[0].body


async def test_what_would_be_fetched_is_no_loss_to_a_dry_run() -> None:
    toml = TOML.format(url="http://127.0.0.1:9", upstream="fetch_urls = true")
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    body = {"model": "bytes/m", "messages": [{"role": "user", "content": [image]}]}
    async with run_gateway(toml, {"bytes": Bytes}) as gateway:
        answer = await gateway.post("/jackfield/explain", json=body)
        [target] = (await answer.json())["plan"]["targets"]
        assert target == {"target": "bytes/m", "losses": []}
