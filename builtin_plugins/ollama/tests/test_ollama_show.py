"""What Ollama's client receives about a model of a server of Ollama or of another vendor."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import ollama
import pytest

from jackfield.testing import FakeUpstream, run_gateway

Serving = Callable[[str], AbstractAsyncContextManager[str]]
TOML = """
[upstream]
retries = 0
[providers.own]
use = "ollama"
base_url = "{url}"
[providers.openai]
base_url = "{url}"
[models.fast]
targets = ["openai/big"]
[models.local]
targets = ["own/m"]
[capabilities."openai/big"]
context_tokens = 1000
tools = true
input = ["text", "image"]
reasoning = "effort"
[capabilities."openai/vectors"]
output = ["embedding"]
"""


@pytest.fixture
async def client(serving: Serving, upstream: FakeUpstream) -> AsyncIterator[ollama.AsyncClient]:
    async with (
        serving(TOML.format(url=upstream.base_url)) as url,
        ollama.AsyncClient(host=f"{url}/ollama") as opened,
    ):
        yield opened


@pytest.mark.parametrize("name", ["openai/big", "fast"])
async def test_another_vendors_model_is_shown_with_what_is_known(
    client: ollama.AsyncClient, upstream: FakeUpstream, name: str
) -> None:
    shown = await client.show(name)
    assert shown.capabilities == ["completion", "tools", "vision", "thinking"]
    assert shown.modelinfo == {
        "general.architecture": "openai",
        "general.basename": "big",
        "openai.context_length": 1000,
    }
    assert shown.details is not None
    assert shown.details.family == "openai"
    assert upstream.requests == []


async def test_what_is_not_known_is_left_out(client: ollama.AsyncClient) -> None:
    shown = await client.show("openai/nobody-knows-it")
    assert shown.capabilities == ["completion"]
    assert "openai.context_length" not in (shown.modelinfo or {})
    assert (await client.show("openai/vectors")).capabilities == ["embedding"]


@pytest.mark.parametrize("name", ["own/m", "local"])
async def test_a_model_of_ollama_is_shown_by_its_server(
    client: ollama.AsyncClient, upstream: FakeUpstream, name: str
) -> None:
    upstream.reply(b'{"model_info":{"x":1},"capabilities":["insert"]}')
    assert (await client.show(name)).capabilities == ["insert"]
    assert json.loads(upstream.requests[0].body) == {"model": "m"}


async def test_a_model_that_its_server_lacks_is_not_made_up(
    client: ollama.AsyncClient, upstream: FakeUpstream
) -> None:
    upstream.reply(b'{"error":"model not found"}', status=404)
    with pytest.raises(ollama.ResponseError) as caught:
        await client.show("own/x")
    assert caught.value.status_code == 404


@pytest.mark.parametrize("body", [{"model": "nobody/x"}, {}])
async def test_a_model_that_nobody_has_is_not_found(body: Any) -> None:
    toml = (
        '[server]\nfront_doors = ["ollama"]\n[providers.openai]\nbase_url = "http://127.0.0.1:9"\n'
    )
    async with run_gateway(toml) as gateway:
        answer = await gateway.post("/ollama/api/show", json=body)
    assert answer.status == 404
