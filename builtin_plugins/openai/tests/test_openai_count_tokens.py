"""Counting the tokens of a Responses request."""

import json
from pathlib import Path

import httpx2
import pytest
from openai import AsyncOpenAI
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.asgi import JackfieldASGI
from jackfield.messages import ChatRequest, Message, Text, TokenCount, Tool
from jackfield.testing import FakeUpstream
from jackfield_openai.endpoints import COUNT_TOKENS

RECORDED = exchanges(operation="count_tokens", provider="openai")
COUNT = b'{"object":"response.input_tokens","input_tokens":51}'


@needs_corpus
@pytest.mark.parametrize("exchange", RECORDED, ids=lambda exchange: exchange.id)
def test_recorded_traffic_survives_the_canonical_form(exchange: Exchange) -> None:
    tree = exchange.request_tree
    request = COUNT_TOKENS.parse_request(tree, {})
    rendered = COUNT_TOKENS.render_request(request)
    assert (json.loads(rendered.body), rendered.losses) == (tree, ())
    count = COUNT_TOKENS.parse_response(exchange.body)
    again = COUNT_TOKENS.render_response(count, request)
    assert json.loads(again.body) == json.loads(exchange.body)


def test_what_only_the_answer_depends_on_is_left_out_without_a_loss() -> None:
    request = ChatRequest(
        "m",
        (Message("user", (Text("Hi"),)),),
        tools=(Tool("f", parameters={"type": "object"}),),
        max_tokens=9,
        temperature=0.5,
        stream=True,
    )
    rendered = COUNT_TOKENS.render_request(request)
    assert set(json.loads(rendered.body)) == {"model", "input", "tools"}
    assert rendered.losses == ()


def test_a_count_of_another_vendor_has_openais_form() -> None:
    rendered = COUNT_TOKENS.render_response(TokenCount(51), ChatRequest("m", ()))
    assert json.loads(rendered.body) == json.loads(COUNT)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"input_tokens":"51"}'])
def test_what_is_no_count_raises(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        COUNT_TOKENS.usage(body)


async def test_the_official_client_counts_through_the_gateway(tmp_path: Path) -> None:
    config = tmp_path / "jackfield.toml"
    async with FakeUpstream() as upstream:
        upstream.reply(COUNT)
        config.write_text(f'[providers.up]\nuse = "openai"\nbase_url = "{upstream.base_url}/v1"\n')
        async with JackfieldASGI(config) as gateway:
            http = httpx2.AsyncClient(transport=httpx2.ASGITransport(gateway))
            async with AsyncOpenAI(
                base_url="http://localhost/v1", api_key="none", http_client=http
            ) as client:
                counted = await client.responses.input_tokens.count(model="up/m", input="Hi")
    assert counted.input_tokens == 51
    assert upstream.requests[0].path == "/v1/responses/input_tokens"
