"""Clients of other vendors served by Bedrock, through the gateway."""

import json
from base64 import b64decode
from typing import Any

import pytest
from openai.types.chat import ChatCompletion
from tests.corpus import by_id, needs_corpus

from jackfield import sse
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply, run_gateway
from jackfield_bedrock.event_stream import encode_event, encode_exception

MEDIA = {"Content-Type": "application/vnd.amazon.eventstream"}
MODEL = "up/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HI = [{"role": "user", "content": "hi"}]
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2, "cacheReadInputTokens": 5},
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEDROCK_KEY", "made-up-api-key-of-bedrock")


def table(upstream: FakeUpstream, more: str = "") -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "bedrock"
region = "us-east-1"
base_url = "{upstream.base_url}"
keys = ["env:BEDROCK_KEY"]
{more}
"""


async def chat(gateway: GatewayClient, **members: Any) -> Any:
    body = {"model": MODEL, "messages": HI, **members}
    return await gateway.post("/v1/chat/completions", json=body)


def sent(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.requests[-1].body)


async def test_an_openai_client_is_answered_by_converse(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(ANSWER).encode())
    async with run_gateway(table(upstream)) as gateway:
        body = await (await chat(gateway, max_tokens=9)).json()
    completion = ChatCompletion.model_validate(body)
    assert completion.choices[0].message.content == "Hi"
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 6
    name = MODEL.removeprefix("up/").replace(":", "%3A")
    assert upstream.requests[0].path == f"/model/{name}/converse"
    assert sent(upstream)["inferenceConfig"] == {"maxTokens": 9}
    assert gateway.settled[0].outcome.usage is not None


@needs_corpus
@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_an_openai_client_is_answered_by_a_stream(upstream: FakeUpstream, size: int) -> None:
    exchange = by_id("bedrock-converse-stream-0cb2d30069")
    wire = b64decode(exchange.response["body"]["base64"])
    parts = tuple(wire[at : at + size] for at in range(0, len(wire), size))
    upstream.always(UpstreamReply(200, parts, MEDIA))
    async with run_gateway(table(upstream)) as gateway:
        answer = await chat(gateway, stream=True, stream_options={"include_usage": True})
        events = [sse.data_of(event) or b"" for event in sse.split(await answer.read())]
    assert upstream.requests[0].path.endswith("/converse-stream")
    assert events.pop() == b"[DONE]"
    chunks = [json.loads(event) for event in events]
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    assert "".join(d.get("content") or "" for d in deltas) == exchange.expect["text"]
    assert "".join(d.get("reasoning_content") or "" for d in deltas) == exchange.expect["reasoning"]
    assert chunks[-1]["usage"]["completion_tokens"] == exchange.expect["usage"]["outputTokens"]


async def test_an_exception_in_the_middle_is_an_error_event(upstream: FakeUpstream) -> None:
    begun = encode_event("messageStart", b'{"role":"assistant"}')
    delta = encode_event("contentBlockDelta", b'{"contentBlockIndex":0,"delta":{"text":"H"}}')
    failed = encode_exception("modelStreamErrorException", b'{"message":"Broken"}')
    upstream.always(UpstreamReply(200, (begun, delta, failed), MEDIA))
    async with run_gateway(table(upstream)) as gateway:
        text = await (await chat(gateway, stream=True)).read()
    assert b"Broken" in text
    assert b"[DONE]" not in text
    assert gateway.settled[0].outcome.kind != "answered"


async def test_an_exception_at_once_is_an_error_with_its_status(upstream: FakeUpstream) -> None:
    failed = encode_exception("throttlingException", b'{"message":"Slow down"}')
    upstream.always(UpstreamReply(200, (failed,), MEDIA))
    async with run_gateway(table(upstream)) as gateway:
        answer = await chat(gateway, stream=True)
    assert answer.status == 429
    assert "Slow down" in (await answer.json())["error"]["message"]


async def test_a_checksum_that_is_wrong_is_an_error(upstream: FakeUpstream) -> None:
    broken = bytearray(encode_event("messageStart", b'{"role":"assistant"}'))
    broken[-1] ^= 1
    upstream.always(UpstreamReply(200, (bytes(broken),), MEDIA))
    async with run_gateway(table(upstream)) as gateway:
        answer = await chat(gateway, stream=True)
    assert answer.status == 502
    assert "checksum" in (await answer.json())["error"]["message"]


async def test_vectors_are_requested_in_the_models_own_body(upstream: FakeUpstream) -> None:
    upstream.reply(b'{"embedding":[0.5],"inputTextTokenCount":2}')
    upstream.reply(b'{"embeddings":{"float":[[0.5],[1.0]]},"id":"i"}')
    async with run_gateway(table(upstream)) as gateway:
        titan = {"model": "up/amazon.titan-embed-text-v2:0", "input": "a"}
        first = await (await gateway.post("/v1/embeddings", json=titan)).json()
        cohere = {"model": "up/cohere.embed-v4:0", "input": ["a", "b"]}
        second = await (await gateway.post("/v1/embeddings", json=cohere)).json()
    assert first["data"][0]["embedding"] == [0.5]
    assert first["usage"]["prompt_tokens"] == 2
    assert [one["embedding"] for one in second["data"]] == [[0.5], [1.0]]
    assert sent(upstream) == {"texts": ["a", "b"], "input_type": "search_document"}
    assert [r.path.rpartition("/")[2] for r in upstream.requests] == ["invoke", "invoke"]


async def test_anthropics_client_counts_tokens_by_the_model_behind_a_profile(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(b'{"inputTokens":7}')
    body = {"model": MODEL, "messages": HI, "max_tokens": 9}
    doors = '[server]\nfront_doors = ["anthropic", "bedrock"]'
    async with run_gateway(table(upstream, doors)) as gateway:
        answer = await gateway.post("/anthropic/v1/messages/count_tokens", json=body)
        assert await answer.json() == {"input_tokens": 7}
    path = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens"
    assert upstream.requests[0].path == path


async def test_a_provider_can_be_configured_for_anthropics_dialect(upstream: FakeUpstream) -> None:
    usage = {"input_tokens": 3, "output_tokens": 2}
    answer = {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": usage,
    }
    upstream.reply(json.dumps(answer).encode())
    more = 'dialects = ["anthropic.messages@bedrock"]'
    async with run_gateway(table(upstream, more)) as gateway:
        body = await (await chat(gateway)).json()
    assert body["choices"][0]["message"]["content"] == "Hi"
    assert upstream.requests[0].path.endswith("/invoke")
    assert sent(upstream)["anthropic_version"] == "bedrock-2023-05-31"


async def test_the_list_of_models_has_aws_s_form(upstream: FakeUpstream) -> None:
    more = 'models = ["amazon.nova-lite-v1:0"]'
    async with run_gateway(table(upstream, more)) as gateway:
        listed = await (await gateway.get("/bedrock/foundation-models")).json()
    ids = [summary["modelId"] for summary in listed["modelSummaries"]]
    assert "up/amazon.nova-lite-v1:0" in ids
