"""The official clients of Azure against its front door, with its own upstream and with OpenAI's."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import openai
import pytest
from azure.ai.inference.aio import ChatCompletionsClient, EmbeddingsClient
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import HttpResponseError
from pydantic import BaseModel

from jackfield.testing import FakeUpstream
from jackfield_azure.endpoints import endpoints

Serving = Callable[[str], AbstractAsyncContextManager[str]]
HI: Any = [{"role": "user", "content": "Hi"}]
HEAD = {"id": "c", "created": 1, "model": "m"}
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a":2,"b":3}'},
}
TOOL: Any = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}
models = pytest.mark.parametrize("model", ["own/m", "openai/m"])


def toml(upstream: FakeUpstream) -> str:
    return f"""
[upstream]
retries = 0
[providers.own]
use = "azure"
base_url = "{upstream.base_url}"
api_version = "2024-10-21"
models = ["m", "gpt-y"]
[providers.openai]
base_url = "{upstream.base_url}"
models = ["m", "gpt-x"]
"""


def reply_with(upstream: FakeUpstream, **message: Any) -> None:
    reply = {"role": "assistant", "content": None, **message}
    finish = "tool_calls" if "tool_calls" in message else "stop"
    choice = {"index": 0, "message": reply, "finish_reason": finish, "content_filter_results": SAFE}
    whole = {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    upstream.reply(json.dumps(whole).encode())


def stream(upstream: FakeUpstream) -> None:
    filtered = [{"prompt_index": 0, "content_filter_results": SAFE}]
    chunks: list[dict[str, Any]] = [
        {"choices": [], "created": 0, "id": "", "model": "", "prompt_filter_results": filtered},
        {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hé"}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": USAGE},
    ]
    form = {**HEAD, "object": "chat.completion.chunk"}
    events = [f"data: {json.dumps({**form, **chunk})}\n\n".encode() for chunk in chunks]
    upstream.stream([*events, b"data: [DONE]\n\n"])


def sent(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.requests[-1].body)


@pytest.fixture
async def url(upstream: FakeUpstream, serving: Serving) -> AsyncIterator[str]:
    async with serving(toml(upstream)) as found:
        yield f"{found}/azure"


@pytest.fixture
async def client(url: str) -> AsyncIterator[openai.AsyncAzureOpenAI]:
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=url, api_version="2025-01-01", api_key="any", max_retries=0
    ) as found:
        yield found


@models
async def test_a_chat(client: openai.AsyncAzureOpenAI, upstream: FakeUpstream, model: str) -> None:
    reply_with(upstream, content="Hello")
    answer = await client.chat.completions.create(model=model, messages=HI)
    assert answer.choices[0].message.content == "Hello"
    extra = answer.choices[0].model_extra or {}
    assert extra["content_filter_results"] == SAFE
    assert sent(upstream)["model"] == "m"
    if model == "own/m":
        wanted = "/openai/deployments/m/chat/completions?api-version=2025-01-01"
        assert upstream.requests[0].path == wanted


@models
async def test_a_stream(
    client: openai.AsyncAzureOpenAI, upstream: FakeUpstream, model: str
) -> None:
    stream(upstream)
    options: Any = {"include_usage": True}
    chunks = await client.chat.completions.create(
        model=model, messages=HI, stream=True, stream_options=options
    )
    found = [chunk async for chunk in chunks]
    texts = [c.choices[0].delta.content or "" for c in found if c.choices]
    assert "".join(texts) == "Hé"
    assert [chunk.usage.total_tokens for chunk in found if chunk.usage] == [5]
    assert any("prompt_filter_results" in (chunk.model_extra or {}) for chunk in found)


@models
async def test_a_tool_is_called_and_answers(
    client: openai.AsyncAzureOpenAI, upstream: FakeUpstream, model: str
) -> None:
    reply_with(upstream, tool_calls=[CALL])
    call = client.chat.completions.create
    called = (await call(model=model, messages=HI, tools=[TOOL])).choices[0].message
    calls = called.tool_calls
    assert calls is not None
    assert calls[0].id == "call_1"
    reply_with(upstream, content="5")
    result: Any = {"role": "tool", "tool_call_id": calls[0].id, "content": "5"}
    earlier: Any = called.model_dump(exclude_none=True)
    answer = await call(model=model, messages=[*HI, earlier, result], tools=[TOOL])
    assert answer.choices[0].message.content == "5"
    assert sent(upstream)["messages"][-1] == result


class Sum(BaseModel):
    """What a model is to answer."""

    value: int


@models
async def test_an_answer_with_a_schema_and_an_image(
    client: openai.AsyncAzureOpenAI, upstream: FakeUpstream, model: str
) -> None:
    reply_with(upstream, content='{"value":5}')
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    messages: Any = [{"role": "user", "content": [{"type": "text", "text": "Add"}, image]}]
    answer = await client.chat.completions.parse(
        model=model, messages=messages, response_format=Sum
    )
    assert answer.choices[0].message.parsed == Sum(value=5)
    assert sent(upstream)["messages"] == messages


@models
async def test_embeddings(
    client: openai.AsyncAzureOpenAI, upstream: FakeUpstream, model: str
) -> None:
    data = [{"object": "embedding", "index": 0, "embedding": "AAAAPwAAwD8="}]
    whole = {"object": "list", "model": "m", "data": data, "usage": USAGE}
    upstream.reply(json.dumps(whole).encode())
    answer = await client.embeddings.create(model=model, input="Hi")
    assert answer.data[0].embedding == [0.5, 1.5]


async def test_responses(client: openai.AsyncAzureOpenAI, upstream: FakeUpstream) -> None:
    text = {"type": "output_text", "text": "Hello", "annotations": []}
    item = {"type": "message", "id": "m", "role": "assistant", "content": [text]}
    upstream.reply(json.dumps({"id": "r", "object": "response", "output": [item]}).encode())
    answer = await client.responses.create(model="own/m", input="Hi")
    assert answer.output_text == "Hello"
    assert upstream.requests[0].path == "/openai/responses?api-version=2025-01-01"


@models
async def test_a_deployment_of_the_client_goes_before_its_model(
    url: str, upstream: FakeUpstream, model: str
) -> None:
    reply_with(upstream, content="Hello")
    async with openai.AsyncAzureOpenAI(
        azure_endpoint=url, azure_deployment=model, api_version="2025-01-01", api_key="any"
    ) as client:
        await client.chat.completions.create(model="gpt-4o", messages=HI)
    assert sent(upstream)["model"] == "m"


@models
async def test_an_error_is_the_clients_own(
    client: openai.AsyncAzureOpenAI, upstream: FakeUpstream, model: str
) -> None:
    error = {"message": "Filtered", "code": "content_filter", "innererror": {"code": "X"}}
    upstream.reply(json.dumps({"error": error}).encode(), 400)
    with pytest.raises(openai.BadRequestError) as caught:
        await client.chat.completions.create(model=model, messages=HI)
    assert caught.value.code == "content_filter"


@models
async def test_foundrys_client_chats(url: str, upstream: FakeUpstream, model: str) -> None:
    key = AzureKeyCredential("any")
    async with ChatCompletionsClient(f"{url}/models", key) as client:
        reply_with(upstream, content="Hello")
        answer = await client.complete(messages=HI, model=model)
        assert answer.choices[0].message.content == "Hello"
        stream(upstream)
        chunks = await client.complete(messages=HI, model=model, stream=True)
        texts = [c.choices[0].delta.content or "" async for c in chunks if c.choices]
        assert "".join(texts) == "Hé"
        upstream.reply(b'{"error":{"code":"x","message":"Filtered"}}', 400)
        with pytest.raises(HttpResponseError, match="Filtered"):
            await client.complete(messages=HI, model=model)


@models
async def test_foundrys_client_embeds(url: str, upstream: FakeUpstream, model: str) -> None:
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, 1.5]}]
    upstream.reply(json.dumps({"id": "e", "model": "m", "data": data, "usage": USAGE}).encode())
    async with EmbeddingsClient(f"{url}/models", AzureKeyCredential("any")) as client:
        answer = await client.embed(input=["Hi"], model=model)
    assert answer.data[0].embedding == [0.5, 1.5]


async def test_models_are_listed_and_shown(client: openai.AsyncAzureOpenAI) -> None:
    listed = [model.id async for model in await client.models.list()]
    assert "openai/gpt-x" in listed
    assert (await client.models.retrieve("own/gpt-y")).id == "own/gpt-y"
    with pytest.raises(openai.NotFoundError):
        await client.models.retrieve("own/none")


def test_files_may_be_as_large_as_azure_accepts_them() -> None:
    largest = {one.path.removeprefix("/azure/openai"): one.max_body for one in endpoints()}
    paths = ("/files", "/v1/files", "/containers/{rest*}", "/v1/containers/{rest*}")
    assert {largest[path] for path in paths} == {512 << 20}
