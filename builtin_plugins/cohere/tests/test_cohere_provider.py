"""The provider behind a gateway: what goes to Cohere, and what comes back."""

import json
from collections import Counter
from typing import Any

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.messages import Reasoning
from jackfield.proofs import seal
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

PASSED = ("chat", "chat_stream", "embeddings", "rerank", "count_tokens", "completions")
REQUEST: Any = {"model": "up/m", "messages": [{"role": "user", "content": "hi"}]}


def table(upstream: FakeUpstream, more: str = "") -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "cohere"
base_url = "{upstream.base_url}"
{more}
"""


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


async def replay(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange, size: int
) -> list[str]:
    """Send one recorded request and have the recorded answer sent; what is not as recorded."""
    tree = {"model": "command", **exchange.request_tree}
    sent = json.dumps(tree | {"model": f"up/{tree['model']}"}).encode()
    if exchange.streams:
        upstream.stream(cut(exchange.body, size))
    else:
        upstream.reply(exchange.body)
    path = exchange.request["path"]
    answer = await gateway.post(f"/cohere{path}", body=sent)
    wrong = []
    if await answer.read() != exchange.body or answer.status != 200:
        wrong.append(f"{exchange.id} cut {size}: the answer")
    got = upstream.requests[-1]
    if got.body != json.dumps(tree).encode() or got.path != path:
        wrong.append(f"{exchange.id}: the request")
    return wrong


@needs_corpus
@pytest.mark.timeout(60)
async def test_recorded_traffic_passes_byte_for_byte(upstream: FakeUpstream) -> None:
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    async with run_gateway(table(upstream)) as gateway:
        for exchange in exchanges(provider="cohere"):
            if exchange.status != 200 or exchange.operation not in PASSED:
                continue
            short = exchange.streams and len(exchange.body) < 50_000
            for size in (1, 7, 0) if short else (0,):
                wrong += await replay(gateway, upstream, exchange, size)
                counts[exchange.operation] += 1
    assert counts.keys() == set(PASSED)
    assert wrong == []


async def test_other_endpoints_are_passed_through(upstream: FakeUpstream) -> None:
    upstream.reply(b'{"datasets":[]}')
    upstream.reply(b'{"text":"hi"}')
    async with run_gateway(table(upstream)) as gateway:
        listed = await gateway.send("GET", "/cohere/v1/datasets?limit=5")
        form = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nup/m\r\n--x--\r\n'
        media = {"content-type": "multipart/form-data; boundary=x"}
        transcript = await gateway.post("/cohere/v2/audio/transcriptions", body=form, headers=media)
    assert (await listed.read(), await transcript.read()) == (b'{"datasets":[]}', b'{"text":"hi"}')
    assert upstream.requests[0].path == "/v1/datasets?limit=5"
    assert upstream.requests[1].path == "/v2/audio/transcriptions"
    assert upstream.requests[1].body == form.replace(b"up/m", b"m")


async def test_a_proof_of_another_vendor_does_not_reach_cohere(upstream: FakeUpstream) -> None:
    proof = seal(Reasoning(signature="sig", extensions={"anthropic.messages": {}}))
    thought = {"type": "thinking", "thinking": "Hm.", "signature": proof}
    message = {"role": "assistant", "content": [thought]}
    upstream.reply(b'{"id":"i","finish_reason":"COMPLETE","message":{"role":"assistant"}}')
    async with run_gateway(table(upstream)) as gateway:
        await gateway.post("/cohere/v2/chat", json=REQUEST | {"messages": [message]})
    sent = json.loads(upstream.requests[0].body)
    assert sent["messages"][0]["content"] == [{"type": "thinking", "thinking": "Hm."}]


async def test_the_models_are_listed_page_by_page_in_coheres_form(upstream: FakeUpstream) -> None:
    upstream.reply(b'{"models":[{"name":"command-a"}],"next_page_token":"a&b"}')
    upstream.reply(b'{"models":[{"name":"embed-v4.0","endpoints":["embed"]}]}')
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.send("GET", "/cohere/v1/models")
        one = await gateway.send("GET", "/cohere/v1/models/up/embed-v4.0")
        none = await gateway.send("GET", "/cohere/v1/models/nothing")
    names = [model["name"] for model in json.loads(await answer.read())["models"]]
    assert {"up/command-a", "up/embed-v4.0"} <= set(names)
    assert upstream.requests[1].path == "/v1/models?page_size=1000&page_token=a%26b"
    assert json.loads(await one.read())["name"] == "up/embed-v4.0"
    assert none.status == 404


async def test_configured_models_are_not_fetched(upstream: FakeUpstream) -> None:
    async with run_gateway(table(upstream, 'models = ["command-a"]')) as gateway:
        answer = await gateway.send("GET", "/cohere/v1/models")
    names = [model["name"] for model in json.loads(await answer.read())["models"]]
    assert "up/command-a" in names
    assert upstream.requests == []


async def test_an_openai_client_is_served_by_cohere(upstream: FakeUpstream) -> None:
    content = [{"type": "text", "text": "Hello"}]
    message = {"role": "assistant", "content": content}
    answer = {"id": "i", "finish_reason": "COMPLETE", "message": message}
    upstream.reply(json.dumps(answer).encode())
    async with run_gateway(f"{table(upstream)}\n[server]\nfront_doors = ['openai']") as gateway:
        reply = await gateway.post("/v1/chat/completions", json=REQUEST | {"top_p": 0.5})
    assert json.loads(await reply.read())["choices"][0]["message"]["content"] == "Hello"
    assert upstream.requests[0].path == "/v2/chat"
    assert json.loads(upstream.requests[0].body)["p"] == 0.5


async def test_an_openai_client_counts_and_ranks_with_cohere(upstream: FakeUpstream) -> None:
    upstream.reply(b'{"tokens":[1,2,3],"token_strings":["a","b","c"]}')
    upstream.reply(b'{"id":"r","results":[{"index":1,"relevance_score":0.5}],"meta":{}}')
    async with run_gateway(f"{table(upstream)}\n[server]\nfront_doors = ['openai']") as gateway:
        counted = await gateway.post(
            "/v1/responses/input_tokens", json={"model": "up/m", "input": "hi there"}
        )
        query = {"model": "up/m", "query": "q", "documents": ["a", "b"], "top_n": 1}
        ranked = await gateway.post("/v1/rerank", json=query)
    assert json.loads(await counted.read())["input_tokens"] == 3
    assert counted.headers["x-jackfield-loss"] == "count_tokens"
    assert json.loads(await ranked.read())["results"][0]["index"] == 1
    assert [request.path for request in upstream.requests] == ["/v1/tokenize", "/v2/rerank"]
    assert json.loads(upstream.requests[1].body) == query | {"model": "m"}


async def test_a_stream_of_v1_is_passed_through_as_it_comes(upstream: FakeUpstream) -> None:
    lines = [b'{"event_type":"text-generation","text":"Hi"}\n', b'{"event_type":"stream-end"}\n']
    upstream.stream(lines, content_type="application/stream+json")
    async with run_gateway(table(upstream)) as gateway:
        request = {"model": "up/command", "message": "hi", "stream": True}
        answer = await gateway.post("/cohere/v1/chat", json=request)
        assert await answer.read() == b"".join(lines)
    assert answer.headers["content-type"] == "application/stream+json"
    assert json.loads(upstream.requests[0].body)["model"] == "command"
