"""Cloudflare's models for every client, and every provider's rankings for Cloudflare's clients."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield.testing import (
    FakeUpstream,
    GatewayClient,
    UpstreamReply,
    check_plugin,
    run_gateway,
)

test_laws = check_plugin("cloudflare", config={"account": "acc", "models": ["@cf/m"]})

LLAMA, RANKER = "@cf/meta/llama-3.1-8b-instruct", "@cf/baai/bge-reranker-base"
RUN = "/cloudflare/accounts/any/ai/run/"
BELOW = "/accounts/acc/ai"
QUERY: dict[str, Any] = {"query": "sea", "contexts": [{"text": "sky"}, {"text": "water"}]}
RANKED = [{"id": 1, "score": 0.9}, {"id": 0, "score": 0.1}]
OPENAI_S = [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]
REFUSED = {"success": False, "errors": [{"code": 5006, "message": "No such input."}], "result": {}}


def envelope(**result: Any) -> bytes:
    return json.dumps({"result": result, "success": True, "errors": [], "messages": []}).encode()


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
async def gateway(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[GatewayClient]:
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", "made-up-for-the-test")
    keys = 'keys = ["env:CLOUDFLARE_API_TOKEN"]'
    own = f'[providers.cloudflare]\naccount = "acc"\nbase_url = "{upstream.base_url}"\n{keys}\n'
    other = f'[providers.openai]\n[providers.cohere]\nbase_url = "{upstream.base_url}"\n{keys}\n'
    async with run_gateway(own + other) as client:
        yield client


async def test_a_chat_goes_to_openai_s_form_of_the_api(
    gateway: GatewayClient, upstream: FakeUpstream
) -> None:
    upstream.reply(b'{"choices": [{"message": {"role": "assistant", "content": "Hi"}}]}')
    body = {"model": f"cloudflare/{LLAMA}", "messages": [{"role": "user", "content": "Hello"}]}
    answer = await gateway.post("/v1/chat/completions", json=body)
    assert (await answer.json())["choices"][0]["message"]["content"] == "Hi"
    (request,) = upstream.requests
    assert request.path == f"{BELOW}/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer made-up-for-the-test"
    assert json.loads(request.body)["model"] == LLAMA


async def test_an_openai_client_ranks_with_cloudflare(
    gateway: GatewayClient, upstream: FakeUpstream
) -> None:
    upstream.reply(envelope(response=RANKED[::-1], usage={"prompt_tokens": 7}))
    body = {"model": f"cloudflare/{RANKER}", "query": "sea", "documents": ["sky", "water"]}
    answer = await gateway.post("/v1/rerank", json={**body, "top_n": 2})
    assert (await answer.json())["results"] == OPENAI_S
    (request,) = upstream.requests
    assert request.path == f"{BELOW}/run/{RANKER}"
    assert json.loads(request.body) == {**QUERY, "top_k": 2}
    usage = gateway.settled[-1].outcome.usage
    assert usage is not None
    assert usage.input_tokens == 7


async def test_a_client_of_cloudflare_ranks_with_another_vendor(
    gateway: GatewayClient, upstream: FakeUpstream
) -> None:
    upstream.reply(json.dumps({"results": OPENAI_S}).encode())
    answer = await gateway.post(RUN + "cohere/rerank-v4.0-pro", json=QUERY)
    assert (await answer.json())["result"]["response"] == RANKED
    assert json.loads(upstream.requests[0].body)["documents"] == ["sky", "water"]


@pytest.mark.parametrize("model", [RANKER, LLAMA])
async def test_cloudflare_s_own_clients_are_passed_through(
    gateway: GatewayClient, upstream: FakeUpstream, model: str
) -> None:
    ranked, body = (
        envelope(response=[], usage={"prompt_tokens": 3}),
        b'{"query":  "q", "contexts":[]}',
    )
    upstream.reply(ranked)
    answer = await gateway.post(f"{RUN}cloudflare/{model}", body=body)
    assert await answer.read() == ranked
    assert upstream.requests[0].path == f"{BELOW}/run/{model}"
    assert upstream.requests[0].body == body
    usage = gateway.settled[-1].outcome.usage
    assert usage is not None
    assert usage.input_tokens == 3


async def test_a_stream_ends_with_its_mark_and_reports_its_usage(
    gateway: GatewayClient, upstream: FakeUpstream
) -> None:
    events = [
        b'data: {"response":"Hi","p":"ab"}\n\n',
        b'data: {"response":"","usage":{"prompt_tokens":3,"completion_tokens":1}}\n\n',
        b"data: [DONE]\n\n",
    ]
    upstream.stream(events)
    answer = await gateway.post(f"{RUN}cloudflare/{LLAMA}", json={"prompt": "Hi", "stream": True})
    assert await answer.read() == b"".join(events)
    usage = gateway.settled[-1].outcome.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (3, 1)


async def test_a_stream_that_is_cut_ends_in_an_error(
    gateway: GatewayClient, upstream: FakeUpstream
) -> None:
    upstream.stream([b'data: {"response":"Hi"}\n\n'])
    answer = await gateway.post(f"{RUN}cloudflare/{LLAMA}", json={"prompt": "Hi", "stream": True})
    *_, last = (await answer.read()).split(b"data: ")
    assert json.loads(last)["success"] is False


@pytest.mark.parametrize("path", [f"{RUN}cloudflare/{RANKER}", "/v1/rerank"])
async def test_an_error_is_reported_in_the_client_s_form(
    gateway: GatewayClient, upstream: FakeUpstream, path: str
) -> None:
    upstream.reply(json.dumps(REFUSED).encode(), 400)
    more = {"model": f"cloudflare/{RANKER}", "documents": ["sky"]} if path == "/v1/rerank" else {}
    answer = await gateway.post(path, json={**QUERY, **more})
    ranked = await answer.json()
    assert answer.status == 400
    error = ranked["error"] if more else ranked["errors"][0]
    assert error["message"] == "No such input."


async def test_a_picture_comes_as_it_is(gateway: GatewayClient, upstream: FakeUpstream) -> None:
    upstream.reply(b"\x89PNG", headers={"Content-Type": "image/png"})
    answer = await gateway.post(f"{RUN}cloudflare/@cf/bytedance/x", json={"prompt": "A fish"})
    assert await answer.read() == b"\x89PNG"
    assert answer.headers["content-type"] == "image/png"


async def test_what_cloudflare_runs_is_listed(
    gateway: GatewayClient, upstream: FakeUpstream
) -> None:
    models = {"result": [{"id": "1", "name": LLAMA}], "success": True, "data": []}
    upstream.always(UpstreamReply(200, (json.dumps(models).encode(),)))
    listed = (await (await gateway.get("/v1/models")).json())["data"]
    assert {"id": f"cloudflare/{LLAMA}", "owned_by": "meta"}.items() <= listed[0].items()
