"""AWS's SDK at `/bedrock`: conversations with every vendor."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor, each_vendor
from tests.clients.weather import PICTURE, PIXEL, QUESTION, REFUSED, RESULT, SCHEMA, holds
from tests.corpus import needs_corpus

boto3 = pytest.importorskip("boto3")
config = pytest.importorskip("botocore.config")
ClientError = pytest.importorskip("botocore.exceptions").ClientError
pytestmark = needs_corpus
MESSAGES: Any = [{"role": "user", "content": [{"text": QUESTION}]}]


def client_of(service: str, gateway: str) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        endpoint_url=f"{gateway}/bedrock",
        aws_access_key_id="any",
        aws_secret_access_key="any",
        config=config.Config(retries={"max_attempts": 0}),
    )


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[Any]:
    with closing(client_of("bedrock-runtime", gateway)) as client:
        yield client


def tools(calls: list[tuple[str, Any]]) -> Any:
    named = [{"name": name, "inputSchema": {"json": SCHEMA}} for name, _ in calls]
    return {"tools": [{"toolSpec": tool} for tool in named]}


def text_of(content: list[dict[str, Any]]) -> str:
    """The words of an answer, those with sources included."""
    cited = [
        block["citationsContent"]["content"] for block in content if "citationsContent" in block
    ]
    plain = [block["text"] for block in content if "text" in block]
    return "".join([*plain, *(part["text"] for parts in cited for part in parts)])


def calls_of(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [block["toolUse"] for block in content if "toolUse" in block]


@each_vendor("answer")
def test_a_conversation_is_answered(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.converse(modelId=vendor.model, messages=MESSAGES)
    assert text_of(answer["output"]["message"]["content"]) == recorded.text
    assert answer["stopReason"] == "end_turn"
    usage = answer["usage"]
    assert usage["inputTokens"] + usage.get("cacheReadInputTokens", 0) > 0


@each_vendor("stream")
def test_a_conversation_is_streamed(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    events = list(client.converse_stream(modelId=vendor.model, messages=MESSAGES)["stream"])
    deltas = [
        event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event
    ]
    assert "".join(delta.get("text", "") for delta in deltas) == recorded.text
    stops = [event["messageStop"]["stopReason"] for event in events if "messageStop" in event]
    assert stops == ["end_turn"]


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    offered = tools(recorded.calls)
    called = client.converse(modelId=vendor.model, messages=MESSAGES, toolConfig=offered)
    message = called["output"]["message"]
    (use,) = calls_of(message["content"])
    assert ([(use["name"], use["input"])], called["stopReason"]) == (recorded.calls, "tool_use")
    result = {"toolUseId": use["toolUseId"], "content": [{"text": RESULT}]}
    turns = [*MESSAGES, message, {"role": "user", "content": [{"toolResult": result}]}]
    answer = client.converse(modelId=vendor.model, messages=turns, toolConfig=offered)
    assert text_of(answer["output"]["message"]["content"]) == after.text
    assert holds(upstream.received[-1], RESULT, use["name"])


@each_vendor("answer")
def test_a_picture_is_sent(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    picture = {"image": {"format": "png", "source": {"bytes": PICTURE}}}
    messages = [{"role": "user", "content": [{"text": QUESTION}, picture]}]
    client.converse(modelId=vendor.model, messages=messages)
    assert holds(upstream.received[-1], PIXEL, QUESTION)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(ClientError) as refused:
        client.converse(modelId=vendor.model, messages=MESSAGES)
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == recorded.status
    assert recorded.message in refused.value.response["Error"]["Message"]


@each_vendor("answer")
def test_a_limit_is_an_exception_of_its_kind(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    body = {"message": "Slow down."} if vendor.name == "bedrock" else REFUSED
    upstream.fails(429, body, x_amzn_errortype="ThrottlingException")
    with pytest.raises(client.exceptions.ThrottlingException, match="Slow down"):
        client.converse(modelId=vendor.model, messages=MESSAGES)


def test_an_unknown_model_is_not_found(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="nobody"):
        client.converse(modelId="nobody/knows", messages=MESSAGES)


def test_the_models_of_all_vendors_are_listed(gateway: str) -> None:
    with closing(client_of("bedrock", gateway)) as client:
        listing = client.list_foundation_models()
    listed = {model["modelId"] for model in listing["modelSummaries"]}
    assert {vendor.model for vendor in VENDORS.values()} <= listed


def test_a_path_that_nobody_serves_is_refused_in_words(client: Any) -> None:
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="is not served"):
        client.converse(modelId="vendor//model", messages=MESSAGES)


def test_a_model_is_listed_with_what_it_can_do(gateway: str) -> None:
    with closing(client_of("bedrock", gateway)) as client:
        listed = {one["modelId"]: one for one in client.list_foundation_models()["modelSummaries"]}
    claude = listed[VENDORS["anthropic"].model]
    assert (claude["inputModalities"], claude["outputModalities"]) == (["TEXT", "IMAGE"], ["TEXT"])
    embedder = listed[VENDORS["openai"].embedder]
    assert embedder["outputModalities"] == ["EMBEDDING"]
    assert not embedder["responseStreamingSupported"]
