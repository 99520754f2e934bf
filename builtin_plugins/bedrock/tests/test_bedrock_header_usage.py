"""Usage in the headers of AWS's answers, and which clients receive it."""

import json
from typing import Any

import pytest

from jackfield.messages import Usage
from jackfield.testing import FakeUpstream, UpstreamReply, run_gateway
from jackfield_bedrock.endpoints import CONVERSE
from jackfield_bedrock.event_stream import encode_event
from jackfield_bedrock.header_usage import usage_with
from jackfield_bedrock.invoke import NOVA

COUNTED = {
    "X-Amzn-Bedrock-Input-Token-Count": "5",
    "X-Amzn-Bedrock-Invocation-Latency": "108",
    "x-amzn-requestid": "aws-1",
}
VECTORS = {"id": "e", "texts": ["hi"], "embeddings": [[0.5]], "response_type": "embeddings_floats"}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEDROCK_KEY", "made-up-for-the-test")


def answering(upstream: FakeUpstream, answer: Any) -> str:
    """A provider whose upstream gives one answer with counts in its headers."""
    upstream.always(UpstreamReply(200, (json.dumps(answer).encode(),), COUNTED))
    keys = f'base_url = "{upstream.base_url}"\nkeys = ["env:BEDROCK_KEY"]'
    return f'[providers.bedrock]\nregion = "us-east-1"\n{keys}\n[providers.openai]\n'


async def test_an_openai_client_gets_the_count_of_an_embedding(upstream: FakeUpstream) -> None:
    async with run_gateway(answering(upstream, VECTORS)) as gateway:
        body = {"model": "bedrock/cohere.embed-english-v3", "input": "hi"}
        answer = await (await gateway.post("/v1/embeddings", json=body)).json()
    assert answer["usage"]["prompt_tokens"] == 5
    assert [settled.outcome.usage for settled in gateway.settled] == [Usage(5)]


async def test_a_client_of_aws_gets_the_counts_and_no_other_headers(upstream: FakeUpstream) -> None:
    async with run_gateway(answering(upstream, VECTORS)) as gateway:
        path = "/bedrock/model/bedrock%2Fcohere.embed-english-v3/invoke"
        body = {"texts": ["hi"], "input_type": "search_query"}
        answer = await gateway.post(path, json=body)
    assert answer.headers["x-amzn-bedrock-input-token-count"] == "5"
    assert answer.headers["x-amzn-bedrock-invocation-latency"] == "108"
    assert answer.headers.get("x-amzn-requestid") != "aws-1"
    assert [settled.outcome.usage for settled in gateway.settled] == [Usage(5)]


async def test_a_body_that_nobody_reads_is_counted(upstream: FakeUpstream) -> None:
    async with run_gateway(answering(upstream, {"outputs": [{"text": "Hi"}]})) as gateway:
        path = "/bedrock/model/bedrock%2Fmistral.mistral-large-2402-v1:0/invoke"
        await gateway.post(path, json={"prompt": "hi"})
    assert [settled.outcome.usage for settled in gateway.settled] == [Usage(5)]


def test_what_stands_in_a_body_counts_more_than_the_headers() -> None:
    assert NOVA.usage_with(Usage(3, 2), {"x-amzn-bedrock-input-token-count": "5"}) == Usage(3, 2)


def test_what_came_from_a_cache_and_went_into_one_is_input_too() -> None:
    headers = {
        "x-amzn-bedrock-input-token-count": "3",
        "x-amzn-bedrock-output-token-count": "7",
        "x-amzn-bedrock-cache-read-input-token-count": "9511",
        "x-amzn-bedrock-cache-write-input-token-count": "20",
    }
    counted = Usage(9534, 7, cached_input_tokens=9511, cache_write_tokens=20)
    assert usage_with(None, headers) == counted


@pytest.mark.parametrize("value", ["0", "", "-1", "1.5", "five", "9" * 20])
def test_headers_that_count_nothing_tell_no_usage(value: str) -> None:
    assert usage_with(None, {"x-amzn-bedrock-input-token-count": value}) is None


def test_the_tier_that_served_a_request_is_known() -> None:
    flex = {"x-amzn-bedrock-service-tier": "flex"}
    assert usage_with(Usage(3, 2), flex) == Usage(3, 2, service_tier="flex")
    assert usage_with(Usage(3, 2), {"x-amzn-bedrock-service-tier": "default"}) == Usage(3, 2)
    assert usage_with(None, flex) is None


def test_optimized_latency_is_a_tier_of_its_own_if_a_request_got_it() -> None:
    header = "x-amzn-bedrock-performanceconfig-latency"
    assert usage_with(Usage(3, 2), {header: "optimized"}) == Usage(3, 2, service_tier="optimized")
    assert usage_with(Usage(3, 2), {header: "standard"}) == Usage(3, 2)
    for latency, tier in (("optimized", "optimized"), ("standard", "default")):
        metadata = {
            "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
            "performanceConfig": {"latency": latency},
            "serviceTier": {"type": "default"},
        }
        meter = CONVERSE.usage_meter()
        meter.feed(encode_event("metadata", json.dumps(metadata).encode()))
        answer = {"output": {"message": {"role": "assistant", "content": []}}, **metadata}
        for usage in (CONVERSE.usage(json.dumps(answer).encode()), meter.usage()):
            assert usage is not None
            assert usage.service_tier == tier


def test_the_model_that_a_router_chose_is_billed() -> None:
    chosen = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
    metadata = {
        "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        "trace": {"promptRouter": {"invokedModelId": chosen}},
    }
    meter = CONVERSE.usage_meter()
    meter.feed(encode_event("metadata", json.dumps(metadata).encode()))
    answer = {"output": {"message": {"role": "assistant", "content": []}}, **metadata}
    for usage in (CONVERSE.usage(json.dumps(answer).encode()), meter.usage()):
        assert usage is not None
        (bill,) = usage.bills
        assert bill.model == "amazon.nova-lite-v1:0"
        assert (bill.usage.input_tokens, bill.usage.output_tokens) == (3, 2)
