"""The official clients of others reach a server of TGI, and TGI's own reaches others."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from anthropic import AsyncAnthropic
from huggingface_hub import AsyncInferenceClient, set_async_client_factory
from openai import AsyncOpenAI

from jackfield.asgi import JackfieldASGI
from jackfield.testing import FakeUpstream

CONFIG = """
[server]
front_doors = ["openai", "anthropic"]

[providers.tgi]
base_url = "ADDRESS"
model = "gemma"

[providers.demo]
"""
ANSWER = {
    "generated_text": "Because of the sky.",
    "details": {"finish_reason": "length", "generated_tokens": 5, "prefill": [], "tokens": []},
}
STREAM = [
    b'data:{"index":1,"token":{"id":1,"text":"Because","logprob":-1.0,"special":false},'
    b'"generated_text":null,"details":null}\n\n',
    b'data:{"index":2,"token":{"id":2,"text":" of","logprob":-1.0,"special":false},'
    b'"generated_text":"Because of","details":{"finish_reason":"length","generated_tokens":2,'
    b'"input_length":7}}\n\n',
]


@pytest.fixture
async def server() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def transport(server: FakeUpstream, tmp_path: Path) -> AsyncIterator[httpx2.ASGITransport]:
    """What official clients send with: a gateway in this process."""
    file = tmp_path / "jackfield.toml"
    file.write_text(CONFIG.replace("ADDRESS", server.base_url))
    async with JackfieldASGI(file) as gateway:
        yield httpx2.ASGITransport(app=gateway)


@pytest.fixture
async def http(transport: httpx2.ASGITransport) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=transport) as http:
        yield http


@pytest.fixture
def hub(transport: httpx2.ASGITransport) -> Iterator[AsyncInferenceClient]:
    """Hugging Face's own client, at a model of another vendor."""
    set_async_client_factory(lambda: httpx2.AsyncClient(transport=transport))
    yield AsyncInferenceClient(base_url="http://127.0.0.1/tgi/models/demo/echo")
    set_async_client_factory(httpx2.AsyncClient)


@pytest.fixture
def openai(http: httpx2.AsyncClient) -> AsyncOpenAI:
    return AsyncOpenAI(base_url="http://127.0.0.1/v1", api_key="unused", http_client=http)


async def test_openai_s_client_gets_an_answer(openai: AsyncOpenAI, server: FakeUpstream) -> None:
    server.reply(json.dumps(ANSWER).encode(), headers={"content-type": "application/json"})
    answer = await openai.chat.completions.create(
        model="tgi/gemma", messages=[{"role": "user", "content": "Why?"}], max_tokens=5
    )
    assert answer.choices[0].message.content == "Because of the sky."
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5


async def test_openai_s_client_gets_a_stream(openai: AsyncOpenAI, server: FakeUpstream) -> None:
    server.stream(STREAM)
    stream = await openai.chat.completions.create(
        model="gemma",
        messages=[{"role": "user", "content": "Why?"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(one.choices[0].delta.content or "" for one in chunks if one.choices)
    finishes = [one.choices[0].finish_reason for one in chunks if one.choices]
    assert text == "Because of"
    assert [finish for finish in finishes if finish] == ["length"]
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (7, 2)


async def test_openai_s_client_lists_the_model(openai: AsyncOpenAI) -> None:
    assert "tgi/gemma" in [model.id async for model in openai.models.list()]


async def test_responses_reach_it_too(openai: AsyncOpenAI, server: FakeUpstream) -> None:
    server.reply(json.dumps(ANSWER).encode(), headers={"content-type": "application/json"})
    answer = await openai.responses.create(model="tgi/gemma", input="Why?")
    assert answer.output_text == "Because of the sky."


async def test_anthropic_s_client_gets_an_answer(
    http: httpx2.AsyncClient, server: FakeUpstream
) -> None:
    server.reply(json.dumps(ANSWER).encode(), headers={"content-type": "application/json"})
    client = AsyncAnthropic(
        base_url="http://127.0.0.1/anthropic", api_key="unused", http_client=http
    )
    answer = await client.messages.create(
        model="tgi/gemma",
        max_tokens=5,
        system="Be brief.",
        messages=[{"role": "user", "content": "Why?"}],
    )
    block = answer.content[0]
    assert block.type == "text"
    assert block.text == "Because of the sky."
    assert answer.stop_reason == "max_tokens"


async def test_the_hub_s_client_gets_another_vendor_s_answer(hub: AsyncInferenceClient) -> None:
    assert await hub.text_generation("Hi.") == "You said: Hi."
    answer = await hub.text_generation("Hi.", details=True, return_full_text=True)
    assert answer.generated_text == "Hi.You said: Hi."
    assert answer.details is not None
    assert answer.details.finish_reason == "eos_token"


async def test_the_hub_s_client_gets_another_vendor_s_stream(hub: AsyncInferenceClient) -> None:
    stream = await hub.text_generation("Hi.", stream=True, details=True)
    events = [event async for event in stream]
    assert "".join(event.token.text for event in events) == "You said: Hi."
    assert events[-1].generated_text == "You said: Hi."
    assert events[-1].details is not None
