"""The provider behind a real HTTP upstream: what it sends, and what it makes of the answers."""

import json
from typing import Any

import pytest

from jackfield.testing import FakeUpstream, run_gateway

DONE = {"model": "m", "created_at": "2026-08-07T06:08:11Z", "done": True, "done_reason": "stop"}
ANSWER = {**DONE, "message": {"role": "assistant", "content": "Hi"}, "eval_count": 1}
LINES = [
    b'{"model":"m","message":{"role":"assistant","content":"H"},"done":false}\n',
    b'{"model":"m","message":{"role":"assistant","content":"\xc3\xa9"},"done":false}\n',
    b'{"model":"m","message":{"role":"assistant","content":""},"done":true,"eval_count":2}\n',
]
REQUEST = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}
OPENAI = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}


def table(upstream: FakeUpstream, more: str = "") -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "ollama"
base_url = "{upstream.base_url}"
{more}
"""


def answer_json(upstream: FakeUpstream, value: Any, status: int = 200) -> None:
    upstream.reply(json.dumps(value).encode(), status)


async def test_only_the_models_name_is_spliced(upstream: FakeUpstream) -> None:
    answer_json(upstream, ANSWER)
    async with run_gateway(table(upstream)) as gateway:
        body = b'{ "unknown":1, "model" : "up/m","messages":[], "stream":false }'
        answer = await gateway.post("/ollama/api/chat", body=body)
    assert await answer.json() == ANSWER
    assert upstream.requests[0].body == body.replace(b"up/m", b"m", 1)
    assert upstream.requests[0].path == "/api/chat"


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_a_stream_is_passed_on_byte_for_byte(upstream: FakeUpstream, size: int) -> None:
    wire = b"".join(LINES)
    cut = [wire[at : at + size] for at in range(0, len(wire), size)]
    upstream.stream(cut, content_type="application/x-ndjson")
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/ollama/api/chat", json=REQUEST)
        assert await answer.read() == wire
        usage = gateway.settled[0].outcome.usage
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert usage is not None
    assert usage.output_tokens == 2


@pytest.mark.parametrize("media", ["application/octet-stream", "text/plain; charset=utf-8"])
async def test_a_stream_by_another_name_is_one(upstream: FakeUpstream, media: str) -> None:
    upstream.stream(LINES, content_type=media)
    async with run_gateway(table(upstream, 'dialects = ["ollama.chat"]')) as gateway:
        answer = await gateway.post("/v1/chat/completions", json=REQUEST | {"stream": True})
        assert b"[DONE]" in await answer.read()


@pytest.mark.parametrize("framing", ["chunked", "cut"])
async def test_a_stream_without_its_end_is_an_error(upstream: FakeUpstream, framing: Any) -> None:
    upstream.stream(LINES[:2], content_type="application/x-ndjson", framing=framing)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/ollama/api/chat", json=REQUEST)
        last = (await answer.read()).splitlines()[-1]
    assert "error" in json.loads(last)


async def test_an_error_in_a_stream_is_passed_on(upstream: FakeUpstream) -> None:
    broken = b'{"error":"out of memory"}\n'
    upstream.stream([LINES[0], broken], content_type="application/x-ndjson")
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/ollama/api/chat", json=REQUEST)
        assert await answer.read() == LINES[0] + broken
        assert gateway.settled[0].outcome.kind != "answered"


async def test_an_error_keeps_its_status_and_message(upstream: FakeUpstream) -> None:
    answer_json(upstream, {"error": "model 'm' not found"}, 404)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/ollama/api/chat", json=REQUEST)
    assert (answer.status, await answer.json()) == (404, {"error": "model 'm' not found"})


async def test_openais_clients_are_passed_on_to_its_form(upstream: FakeUpstream) -> None:
    for path in ("/v1/chat/completions", "/ollama/v1/chat/completions"):
        answer_json(upstream, {**OPENAI, "choices": []})
        async with run_gateway(table(upstream)) as gateway:
            assert (await gateway.post(path, json=REQUEST)).status == 200
        assert upstream.requests[-1].path == "/v1/chat/completions"


async def test_openais_clients_are_translated_where_only_the_api_is_offered(
    upstream: FakeUpstream,
) -> None:
    answer_json(upstream, ANSWER)
    dialects = 'dialects = ["ollama.chat"]'
    async with run_gateway(table(upstream, dialects)) as gateway:
        answer = await (await gateway.post("/v1/chat/completions", json=REQUEST)).json()
    assert answer["choices"][0]["message"]["content"] == "Hi"
    assert json.loads(upstream.requests[0].body)["stream"] is False
    assert upstream.requests[0].path == "/api/chat"


async def test_a_server_without_responses_is_called_for_a_chat(upstream: FakeUpstream) -> None:
    answer_json(upstream, {"error": "404 page not found"}, 404)
    answer_json(upstream, ANSWER)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/v1/responses", json={"model": "up/m", "input": "Hello"})
    assert (await answer.json())["output"][0]["content"][0]["text"] == "Hi"
    assert [request.path for request in upstream.requests] == ["/v1/responses", "/api/chat"]


async def test_both_forms_of_embeddings_go_where_they_belong(upstream: FakeUpstream) -> None:
    async with run_gateway(table(upstream)) as gateway:
        answer_json(upstream, {"model": "m", "embeddings": [[1.5]]})
        await gateway.post("/ollama/api/embed", json={"model": "up/m", "input": "a"})
        answer_json(upstream, {"embedding": [1.5]})
        old = await gateway.post("/ollama/api/embeddings", json={"model": "up/m", "prompt": "a"})
    assert await old.json() == {"embedding": [1.5]}
    assert [request.path for request in upstream.requests] == ["/api/embed", "/api/embeddings"]


async def test_progress_is_passed_on_in_lines(upstream: FakeUpstream) -> None:
    wire = [b'{"status":"pulling"}\n', b'{"status":"success"}\n']
    upstream.stream(wire, content_type="application/x-ndjson")
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/ollama/api/pull", json={"model": "up/llama3"})
        assert await answer.read() == b"".join(wire)
    assert json.loads(upstream.requests[0].body) == {"model": "llama3"}


async def test_an_older_client_names_a_model_otherwise(upstream: FakeUpstream) -> None:
    answer_json(upstream, {"details": {}, "model_info": {}})
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/ollama/api/show", json={"name": "up/llama3"})
    assert answer.status == 200
    assert json.loads(upstream.requests[0].body) == {"name": "llama3"}


async def test_the_form_of_anthropic_is_translated_for_ollama(upstream: FakeUpstream) -> None:
    answer_json(upstream, ANSWER)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/ollama/v1/messages", json={**REQUEST, "max_tokens": 9})
        body = await answer.json()
    assert body["content"] == [{"type": "text", "text": "Hi"}]
    assert upstream.requests[0].path == "/api/chat"


async def test_the_form_of_anthropic_reaches_anthropic_unchanged(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "k")
    answer_json(upstream, {"type": "message", "content": [], "usage": {}})
    doors = table(upstream, '[server]\nfront_doors = ["ollama"]')
    own = doors.replace('use = "ollama"', 'use = "anthropic"\nkeys = ["env:KEY"]')
    async with run_gateway(own) as gateway:
        await gateway.post("/ollama/v1/messages", json={**REQUEST, "max_tokens": 9})
    (request,) = upstream.requests
    assert request.path == "/v1/messages"
    assert json.loads(request.body) == {**REQUEST, "model": "m", "max_tokens": 9}


async def test_the_list_of_models_is_the_gateways_own(upstream: FakeUpstream) -> None:
    tags = [{"name": "llama3:latest", "modified_at": "2026-08-07T06:08:11.01-07:00", "size": 1}]
    answer_json(upstream, {"models": tags})
    alias = '[models.fast]\ntargets = ["up/llama3"]'
    async with run_gateway(table(upstream, alias)) as gateway:
        listed = await (await gateway.get("/ollama/api/tags")).json()
        shown = await (await gateway.get("/ollama/v1/models")).json()
    models = {model["model"]: model for model in listed["models"]}
    assert models["up/llama3"]["modified_at"] == "2026-08-07T13:08:11Z"
    assert [model["id"] for model in shown["data"]] == list(models)
    assert "fast" in models


@pytest.mark.parametrize(
    ("configured", "requested"), [("llama3:latest", "llama3"), ("llama3", "llama3:latest")]
)
async def test_the_tag_latest_may_be_left_out(
    upstream: FakeUpstream, configured: str, requested: str
) -> None:
    answer_json(upstream, ANSWER)
    async with run_gateway(table(upstream, f'models = ["{configured}"]')) as gateway:
        request = REQUEST | {"model": requested, "stream": False}
        assert (await gateway.post("/ollama/api/chat", json=request)).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_command_line_finds_it_running(upstream: FakeUpstream, method: str) -> None:
    async with run_gateway(table(upstream)) as gateway:
        assert (await gateway.send(method, "/ollama/")).status == 200
