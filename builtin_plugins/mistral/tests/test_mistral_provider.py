"""The provider behind a gateway: what goes to Mistral, and what comes back."""

import json
from collections import Counter
from typing import Any

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.messages import Reasoning
from jackfield.proofs import seal
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield_mistral.endpoints import endpoints

PASSED = ("chat", "chat_stream", "embeddings", "ocr", "audio_speech", "batches")
REQUEST: Any = {"model": "up/m", "messages": [{"role": "user", "content": "hi"}]}


def table(upstream: FakeUpstream, more: str = "") -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "mistral"
base_url = "{upstream.base_url}"
{more}
"""


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


async def replay(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange, size: int
) -> list[str]:
    """Send one recorded request and have the recorded answer sent; what is not as recorded."""
    path, tree = exchange.request["path"], exchange.request_tree
    sent = tree
    if tree is not None and tree.get("model"):
        sent = tree | {"model": f"up/{tree['model']}"}
    if exchange.streams:
        upstream.stream(cut(exchange.body, size))
    else:
        upstream.reply(exchange.body)
    body = b"" if sent is None else json.dumps(sent).encode()
    answer = await gateway.send(exchange.request["method"], f"/mistral{path}", body=body)
    wrong = []
    if await answer.read() != exchange.body or answer.status != 200:
        wrong.append(f"{exchange.id} cut {size}: the answer")
    got = upstream.requests[-1]
    if got.body != (b"" if tree is None else json.dumps(tree).encode()) or got.path != path:
        wrong.append(f"{exchange.id}: the request")
    return wrong


@needs_corpus
@pytest.mark.timeout(60)
async def test_recorded_traffic_passes_byte_for_byte(upstream: FakeUpstream) -> None:
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    async with run_gateway(table(upstream)) as gateway:
        for exchange in exchanges(provider="mistral"):
            if exchange.status != 200 or exchange.operation not in PASSED:
                continue
            for size in (1, 7, 0) if exchange.streams else (0,):
                wrong += await replay(gateway, upstream, exchange, size)
                counts[exchange.operation] += 1
    assert counts.keys() == set(PASSED)
    assert wrong == []


async def test_a_streamed_transcription_ends_in_an_event_of_its_own(
    upstream: FakeUpstream,
) -> None:
    delta = b'event: transcription.text.delta\ndata: {"type":"transcription.text.delta"}\n\n'
    done = b'event: transcription.done\ndata: {"type":"transcription.done","text":"hi"}\n\n'
    upstream.stream([delta, done])
    form = b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nup/m\r\n--x--\r\n'
    media = {"content-type": "multipart/form-data; boundary=x"}
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/mistral/v1/audio/transcriptions", body=form, headers=media)
        assert await answer.read() == delta + done
    assert upstream.requests[0].path == "/v1/audio/transcriptions"
    assert upstream.requests[0].body == form.replace(b"up/m", b"m")


async def test_a_stream_of_an_unknown_kind_ends_with_the_connection(
    upstream: FakeUpstream,
) -> None:
    events = b'event: workflow.started\ndata: {"id":1}\n\n'
    upstream.stream([events])
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.send("GET", "/mistral/v1/workflows/events/stream")
        assert await answer.read() == events


async def test_a_proof_of_another_vendor_does_not_reach_mistral(upstream: FakeUpstream) -> None:
    proof = seal(Reasoning(signature="sig", extensions={"anthropic.messages": {}}))
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    message = {"role": "assistant", "content": [thought | {"signature": proof}]}
    upstream.reply(b'{"id":"i","object":"chat.completion","model":"m","choices":[]}')
    async with run_gateway(table(upstream)) as gateway:
        await gateway.post("/mistral/v1/chat/completions", json=REQUEST | {"messages": [message]})
    sent = json.loads(upstream.requests[0].body)
    assert sent["messages"][0]["content"] == [thought]


async def test_the_models_are_listed_in_mistrals_form(upstream: FakeUpstream) -> None:
    upstream.reply(b'{"object":"list","data":[{"id":"m","created":5,"owned_by":"mistralai"}]}')
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.send("GET", "/mistral/v1/models")
        one = await gateway.send("GET", "/mistral/v1/models/up/m")
        none = await gateway.send("GET", "/mistral/v1/models/nothing")
    listed = {model["id"]: model for model in json.loads(await answer.read())["data"]}
    assert listed["up/m"]["created"] == 5
    assert json.loads(await one.read()) == listed["up/m"]
    assert none.status == 404


def test_voice_agents_are_no_more_a_matter_of_inference_than_other_agents() -> None:
    permissions = {one.path: one.permission for one in endpoints()}
    paths = ("agents", "agents/{rest*}")
    assert {permissions[f"/mistral/v1/audio/{path}"] for path in paths} == {"resources"}


async def test_an_openai_client_is_served_by_mistral(upstream: FakeUpstream) -> None:
    message = {"role": "assistant", "content": "Hello"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    upstream.reply(json.dumps({"id": "i", "model": "m", "choices": [choice]}).encode())
    async with run_gateway(f"{table(upstream)}\n[server]\nfront_doors = ['openai']") as gateway:
        request = REQUEST | {"max_completion_tokens": 5, "seed": 1, "messages": LOOP}
        reply = await gateway.post("/v1/chat/completions", json=request)
    assert json.loads(await reply.read())["choices"][0]["message"]["content"] == "Hello"
    sent = json.loads(upstream.requests[0].body)
    assert (sent["max_tokens"], sent["random_seed"]) == (5, 1)
    assert sent["messages"][0]["tool_calls"][0]["id"] == sent["messages"][1]["tool_call_id"]
    assert len(sent["messages"][1]["tool_call_id"]) == 9


CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
LOOP = [
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "x"},
]
