"""Several texts for a model that takes one a request: several requests, and one answer."""

import json
from typing import Any

import pytest

from jackfield.messages import Usage
from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply, run_gateway

TITAN, NOVA = "amazon.titan-embed-text-v2:0", "amazon.nova-2-multimodal-embeddings-v1:0"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEDROCK_KEY", "made-up-for-the-test")


def table(upstream: FakeUpstream) -> str:
    address = f'base_url = "{upstream.base_url}"\nkeys = ["env:BEDROCK_KEY"]'
    return f'[upstream]\nretries = 0\n[providers.bedrock]\nregion = "us-east-1"\n{address}\n'


def titan(number: int, tokens: int) -> bytes:
    return json.dumps({"embedding": [float(number)], "inputTextTokenCount": tokens}).encode()


async def embed(gateway: GatewayClient, model: str, *texts: str, **more: Any) -> Any:
    body = {"model": f"bedrock/{model}", "input": texts, **more}
    answer = await gateway.post("/v1/embeddings", json=body)
    return answer.status, await answer.json()


@pytest.mark.parametrize("form", ["float", "base64"])
async def test_each_text_is_requested_and_all_are_answered(
    upstream: FakeUpstream, form: str
) -> None:
    for number, tokens in ((1, 2), (2, 3), (3, 4)):
        upstream.reply(titan(number, tokens))
    async with run_gateway(table(upstream) + "[providers.openai]\n") as gateway:
        status, answer = await embed(gateway, TITAN, "a", "b", "c", encoding_format=form)
    vectors = [[1.0], [2.0], [3.0]] if form == "float" else ["AACAPw==", "AAAAQA==", "AABAQA=="]
    assert status == 200
    assert [each["embedding"] for each in answer["data"]] == vectors
    assert [each["index"] for each in answer["data"]] == [0, 1, 2]
    assert answer["usage"]["prompt_tokens"] == 9
    assert [json.loads(got.body)["inputText"] for got in upstream.requests] == ["a", "b", "c"]
    assert [settled.outcome.usage for settled in gateway.settled] == [Usage(9)]


async def test_what_the_headers_count_is_added_up(upstream: FakeUpstream) -> None:
    body = b'{"embeddings":[{"embeddingType":"TEXT","embedding":[0.5]}]}'
    upstream.always(UpstreamReply(200, (body,), {"X-Amzn-Bedrock-Input-Token-Count": "5"}))
    async with run_gateway(table(upstream) + "[providers.openai]\n") as gateway:
        _, answer = await embed(gateway, NOVA, "a", "b")
    assert (len(answer["data"]), answer["usage"]["prompt_tokens"]) == (2, 10)


async def test_one_that_fails_fails_all(upstream: FakeUpstream) -> None:
    upstream.reply(titan(1, 2))
    upstream.reply(b'{"message":"Too many tokens"}', 400)
    async with run_gateway(table(upstream) + "[providers.openai]\n") as gateway:
        status, answer = await embed(gateway, TITAN, "a", "b", "c")
    assert (status, answer["error"]["message"]) == (400, "Too many tokens")
    assert len(upstream.requests) == 2
    assert [settled.outcome.usage for settled in gateway.settled] == [Usage(2)]
