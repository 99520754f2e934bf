"""Ollama's official client against its front door, with its own upstream and with OpenAI's."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import ollama
import pytest
from pydantic import BaseModel

from jackfield.testing import FakeUpstream

Serving = Callable[[str], AbstractAsyncContextManager[str]]
PNG = b"\x89PNG\r\n\x1a\n0000"
CALL = {"name": "add", "arguments": {"a": 2, "b": 3}}
OPENAI_CALL = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "add", "arguments": '{"a":2,"b":3}'},
}
HI = [{"role": "user", "content": "Hi"}]


def toml(upstream: FakeUpstream) -> str:
    return f"""
[upstream]
retries = 0
[providers.own]
use = "ollama"
base_url = "{upstream.base_url}"
[providers.openai]
base_url = "{upstream.base_url}"
"""


def reply_natively(upstream: FakeUpstream, message: dict[str, Any], *, stream: bool) -> None:
    common = {"model": "m", "created_at": "2026-08-07T06:08:11Z"}
    answer = {**common, "message": {"role": "assistant", "content": "", **message}}
    last = {"done": True, "done_reason": "stop", "prompt_eval_count": 3, "eval_count": 2}
    if not stream:
        return upstream.reply(json.dumps(answer | last).encode())
    empty = {**common, "message": {"role": "assistant", "content": ""}, **last}
    lines = [json.dumps(line).encode() + b"\n" for line in (answer | {"done": False}, empty)]
    return upstream.stream(lines, content_type="application/x-ndjson")


def reply_as_openai(upstream: FakeUpstream, message: dict[str, Any], *, stream: bool) -> None:
    wire: dict[str, Any] = {"role": "assistant", "content": message.get("content") or None}
    if "tool_calls" in message:
        wire["tool_calls"] = [OPENAI_CALL]
    head = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    if not stream:
        choice = {"index": 0, "message": wire, "finish_reason": "stop"}
        return upstream.reply(json.dumps({**head, "choices": [choice], "usage": usage}).encode())
    chunks: list[dict[str, Any]] = [
        {"choices": [{"index": 0, "delta": wire, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    events = [f"data: {json.dumps(head | chunk)}\n\n".encode() for chunk in chunks]
    return upstream.stream([*events, b"data: [DONE]\n\n"])


REPLY = {"own/m": reply_natively, "openai/m": reply_as_openai}
models = pytest.mark.parametrize("model", REPLY)


def sent(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.requests[-1].body)


@pytest.fixture
async def client(upstream: FakeUpstream, serving: Serving) -> AsyncIterator[ollama.AsyncClient]:
    async with serving(toml(upstream)) as url, ollama.AsyncClient(host=f"{url}/ollama") as found:
        yield found


@models
async def test_a_chat(client: ollama.AsyncClient, upstream: FakeUpstream, model: str) -> None:
    REPLY[model](upstream, {"content": "Hello"}, stream=False)
    answer = await client.chat(model, HI, options={"temperature": 0.5})
    assert answer.message.content == "Hello"
    assert (answer.done, answer.done_reason) == (True, "stop")
    assert (answer.prompt_eval_count, answer.eval_count) == (3, 2)
    assert (sent(upstream)["model"], sent(upstream).get("stream", False)) == ("m", False)


@models
async def test_a_stream(client: ollama.AsyncClient, upstream: FakeUpstream, model: str) -> None:
    REPLY[model](upstream, {"content": "Hé"}, stream=True)
    parts = [part async for part in await client.chat(model, HI, stream=True)]
    assert "".join(part.message.content or "" for part in parts) == "Hé"
    assert [part.done for part in parts][-1]
    assert parts[-1].eval_count == 2


async def test_a_stream_with_unicodes_line_breaks(
    client: ollama.AsyncClient, upstream: FakeUpstream
) -> None:
    text = "one\u2028two\u2029three\x85four"
    reply_as_openai(upstream, {"content": text}, stream=True)
    parts = [part async for part in await client.chat("openai/m", HI, stream=True)]
    assert "".join(part.message.content or "" for part in parts) == text


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: The first one.
        b: The second one.
    """
    return a + b


@models
@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_is_called_and_answers(
    client: ollama.AsyncClient, upstream: FakeUpstream, model: str, stream: bool
) -> None:
    messages: list[Any] = [*HI]
    REPLY[model](upstream, {"tool_calls": [{"function": CALL}]}, stream=stream)
    if stream:
        parts = [p async for p in await client.chat(model, messages, tools=[add], stream=True)]
        called = next(part.message for part in parts if part.message.tool_calls)
    else:
        called = (await client.chat(model, messages, tools=[add])).message
    assert called.tool_calls is not None
    call = called.tool_calls[0].function
    assert (call.name, add(**call.arguments)) == ("add", 5)
    result = {"role": "tool", "content": "5", "tool_name": "add"}
    REPLY[model](upstream, {"content": "It is 5."}, stream=False)
    answer = await client.chat(model, [*messages, called, result], tools=[add])
    assert answer.message.content == "It is 5."
    *_, call_turn, result_turn = sent(upstream)["messages"]
    if model == "openai/m":
        assert call_turn["tool_calls"][0]["id"] == result_turn["tool_call_id"]
    else:
        assert result_turn == result


class Sum(BaseModel):
    """What a model is to answer."""

    value: int


@models
async def test_an_answer_with_a_schema_and_an_image(
    client: ollama.AsyncClient, upstream: FakeUpstream, model: str
) -> None:
    REPLY[model](upstream, {"content": '{"value": 5}'}, stream=False)
    image = {"role": "user", "content": "Add", "images": [PNG]}
    answer = await client.chat(model, [image], format=Sum.model_json_schema())
    assert Sum.model_validate_json(answer.message.content or "").value == 5
    text = upstream.requests[-1].body.decode()
    assert "iVBORw0KGgo" in text
    assert ("data:image/png;base64" in text) is (model == "openai/m")
    assert "value" in json.dumps(sent(upstream).get("format") or sent(upstream)["response_format"])


@models
async def test_a_generation(client: ollama.AsyncClient, upstream: FakeUpstream, model: str) -> None:
    if model == "own/m":
        upstream.reply(b'{"model":"m","response":"Hello","done":true,"eval_count":2}')
    else:
        reply_as_openai(upstream, {"content": "Hello"}, stream=False)
    answer = await client.generate(model, "Hi", system="Be kind")
    assert (answer.response, answer.eval_count) == ("Hello", 2)


@models
async def test_embeddings(client: ollama.AsyncClient, upstream: FakeUpstream, model: str) -> None:
    data = [{"object": "embedding", "index": 0, "embedding": [0.5, 1.5]}]
    answers = {
        "own/m": {"model": "m", "embeddings": [[0.5, 1.5]]},
        "openai/m": {"object": "list", "model": "m", "data": data},
    }
    upstream.reply(json.dumps(answers[model]).encode())
    answer = await client.embed(model, "Hi")
    assert answer.embeddings == [[0.5, 1.5]]


@models
async def test_an_error_is_the_clients_own(
    client: ollama.AsyncClient, upstream: FakeUpstream, model: str
) -> None:
    called: Any = "model 'm' not found"
    error = {"error": called if model == "own/m" else {"message": called, "code": "x"}}
    upstream.reply(json.dumps(error).encode(), 404)
    with pytest.raises(ollama.ResponseError) as caught:
        await client.chat(model, HI)
    assert (caught.value.status_code, caught.value.error) == (404, called)


@models
async def test_a_stream_that_breaks_off_raises(
    client: ollama.AsyncClient, upstream: FakeUpstream, model: str
) -> None:
    if model == "own/m":
        line = b'{"model":"m","message":{"role":"assistant","content":"H"},"done":false}\n'
        upstream.stream([line], content_type="application/x-ndjson", framing="cut")
    else:
        chunk = {"choices": [{"index": 0, "delta": {"content": "H"}, "finish_reason": None}]}
        upstream.stream([f"data: {json.dumps(chunk)}\n\n".encode()], framing="cut")
    with pytest.raises(ollama.ResponseError, match=r"cut|ended|broke"):
        _ = [part async for part in await client.chat(model, HI, stream=True)]


async def test_models_are_listed_pulled_and_shown(
    client: ollama.AsyncClient, upstream: FakeUpstream
) -> None:
    progress = [b'{"status":"pulling","total":2}\n', b'{"status":"success"}\n']
    upstream.stream(progress, content_type="application/x-ndjson")
    steps = [step.status async for step in await client.pull("own/m", stream=True)]
    upstream.reply(b'{"model_info":{"x":1},"capabilities":["tools"]}')
    shown = await client.show("own/m")
    upstream.reply(b'{"models":[{"name":"m:latest"}]}')
    upstream.reply(b'{"data":[]}')
    listed = await client.list()
    assert steps == ["pulling", "success"]
    assert shown.capabilities == ["tools"]
    assert "own/m" in [model.model for model in listed.models]


async def test_the_client_of_threads(upstream: FakeUpstream, serving: Serving) -> None:
    reply_natively(upstream, {"content": "Hello"}, stream=True)

    def chat_with(url: str) -> str:
        with ollama.Client(host=f"{url}/ollama") as client:
            return "".join(p.message.content or "" for p in client.chat("own/m", HI, stream=True))

    async with serving(toml(upstream)) as url:
        assert await asyncio.to_thread(chat_with, url) == "Hello"
