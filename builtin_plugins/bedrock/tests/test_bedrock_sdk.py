"""AWS's official SDK against a gateway process: in front of Bedrock, and of an OpenAI API."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import boto3  # type: ignore[import-untyped]
import pytest
import pytest_asyncio
from anthropic import AsyncAnthropicBedrock, RateLimitError
from botocore.config import Config  # type: ignore[import-untyped]
from botocore.exceptions import ClientError, EventStreamError  # type: ignore[import-untyped]
from tests.faults.gateway import serving
from tests.openai_answers import chunks, completion

from jackfield.testing import FakeUpstream, UpstreamReply
from jackfield_bedrock.event_stream import encode_event, encode_exception

pytestmark = pytest.mark.asyncio(loop_scope="module")
HI: Any = [{"role": "user", "content": [{"text": "Weather in Rome?"}]}]
TOOLS: Any = {
    "tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}]
}
USE = {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Rome"}}
ANSWER = {
    "output": {"message": {"role": "assistant", "content": [{"toolUse": USE}]}},
    "stopReason": "tool_use",
    "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 15, "cacheReadInputTokens": 10},
    "metrics": {"latencyMs": 1},
}


class Front:
    """AWS's clients of one gateway, and the upstream behind it."""

    def __init__(self, url: str, upstream: FakeUpstream) -> None:
        self.upstream = upstream
        self.url = url
        self.clients: list[Any] = []
        self.runtime = self.client("bedrock-runtime")

    def client(self, service: str) -> Any:
        client = boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=f"{self.url}/bedrock",
            aws_access_key_id="anything",
            aws_secret_access_key="will do",
            config=Config(retries={"max_attempts": 0}),
        )
        self.clients.append(client)
        return client

    async def call(self, operation: str, **arguments: Any) -> Any:
        """Call the runtime in a thread; of a stream its events."""

        def run() -> Any:
            answer = getattr(self.runtime, operation)(**arguments)
            if "stream" in answer:
                with closing(answer["stream"]) as events:
                    return list(events)
            if hasattr(answer.get("body"), "read"):
                return json.loads(answer["body"].read())
            return list(answer["body"]) if "body" in answer else answer

        return await asyncio.to_thread(run)

    def streams(self, *events: bytes) -> None:
        """Answer the next request with an event stream, cut in odd places."""
        wire = b"".join(events)
        parts = tuple(wire[at : at + 33] for at in range(0, len(wire), 33))
        media = {"Content-Type": "application/vnd.amazon.eventstream"}
        self.upstream.always(UpstreamReply(200, parts, media))

    def replies(self, value: Any, status: int = 200) -> None:
        """Answer the next request with JSON."""
        self.upstream.reply(json.dumps(value).encode(), status)

    @property
    def sent(self) -> Any:
        """The JSON of the last request."""
        return json.loads(self.upstream.requests[-1].body)


def configuration(upstream: FakeUpstream) -> str:
    return f"""
[server]
bind = "127.0.0.1:0"
admin = ""
[upstream]
retries = 0
[providers.aws]
use = "bedrock"
region = "us-east-1"
base_url = "{upstream.base_url}"
keys = ["env:UPSTREAM_KEY"]
[providers.oa]
use = "openai"
base_url = "{upstream.base_url}/v1"
dialects = ["openai.chat", "openai.embeddings"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def front(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("gateway")
    async with FakeUpstream() as upstream, serving(folder, configuration(upstream)) as gateway:
        front = Front(gateway.url, upstream)
        yield front
        for client in front.clients:
            client.close()


async def test_tool_calls_and_results_reach_bedrock_unchanged(front: Front) -> None:
    front.replies(ANSWER)
    front.replies(ANSWER)
    model = "aws/us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    first = await front.call("converse", modelId=model, messages=HI, toolConfig=TOOLS)
    assert first["usage"] == ANSWER["usage"]
    message = first["output"]["message"]
    result = {"toolResult": {"toolUseId": "tooluse_1", "content": [{"json": {"sun": True}}]}}
    turns = [*HI, message, {"role": "user", "content": [result]}]
    await front.call("converse", modelId=model, messages=turns, toolConfig=TOOLS)
    assert front.sent == {"messages": turns, "toolConfig": TOOLS}
    assert front.upstream.requests[-1].path.startswith("/model/us.anthropic")


async def test_tool_calls_and_results_go_through_an_openai_api(front: Front) -> None:
    function = {"name": "weather", "arguments": '{"city":"Rome"}'}
    call = {"id": "call_1", "type": "function", "function": function}
    front.upstream.reply(completion({"content": None, "tool_calls": [call]}, "tool_calls"))
    front.upstream.reply(completion({"content": "Sunny."}, "stop"))
    first = await front.call("converse", modelId="oa/gpt", messages=HI, toolConfig=TOOLS)
    assert first["stopReason"] == "tool_use"
    assert first["usage"] == {"inputTokens": 30, "outputTokens": 20, "totalTokens": 50}
    message = first["output"]["message"]
    result = {"toolResult": {"toolUseId": "call_1", "content": [{"text": "Sun"}]}}
    turns = [*HI, message, {"role": "user", "content": [result]}]
    second = await front.call("converse", modelId="oa/gpt", messages=turns, toolConfig=TOOLS)
    assert second["output"]["message"]["content"] == [{"text": "Sunny."}]
    assert front.sent["messages"][1]["tool_calls"] == [call]
    assert front.sent["messages"][2] == {"role": "tool", "tool_call_id": "call_1", "content": "Sun"}


async def test_the_sdk_reads_a_stream_of_bedrock(front: Front) -> None:
    delta = {"contentBlockIndex": 0, "delta": {"text": "Hé"}, "p": "abc"}
    front.streams(
        encode_event("messageStart", b'{"role":"assistant"}'),
        encode_event("contentBlockDelta", json.dumps(delta).encode()),
        encode_event("contentBlockStop", b'{"contentBlockIndex":0}'),
        encode_event("messageStop", b'{"stopReason":"end_turn"}'),
        encode_event(
            "metadata",
            b'{"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},'
            b'"metrics":{"latencyMs":1}}',
        ),
    )
    events = await front.call("converse_stream", modelId="aws/amazon.nova-lite-v1:0", messages=HI)
    assert events[1] == {"contentBlockDelta": {"delta": {"text": "Hé"}, "contentBlockIndex": 0}}
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 2


async def test_the_sdk_reads_a_stream_of_an_openai_api(front: Front) -> None:
    begin = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"a":1}'}}
    deltas = ({"content": "Hé"}, {"tool_calls": [begin]}, {"tool_calls": [more]})
    wire = chunks(*deltas, finish="tool_calls")
    front.upstream.stream(wire)
    events = await front.call("converse_stream", modelId="oa/gpt", messages=HI)
    start = events[3]["contentBlockStart"]
    assert start["start"]["toolUse"] == {"toolUseId": "c1", "name": "f"}
    assert events[-2] == {"messageStop": {"stopReason": "tool_use"}}
    assert events[-1]["metadata"]["usage"]["inputTokens"] == 30
    assert json.loads(front.upstream.requests[-1].body)["stream"] is True


async def test_an_exception_within_a_stream_is_raised(front: Front) -> None:
    front.streams(
        encode_event("messageStart", b'{"role":"assistant"}'),
        encode_exception("throttlingException", b'{"message":"Slow down"}'),
    )
    with pytest.raises(EventStreamError, match="Slow down"):
        await front.call("converse_stream", modelId="aws/amazon.nova-lite-v1:0", messages=HI)


async def test_an_image_and_a_schema_reach_an_openai_api(front: Front) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    structure = {"jsonSchema": {"name": "city", "schema": json.dumps(schema)}}
    image = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
    front.upstream.reply(completion({"content": '{"a":"b"}'}, "stop"))
    await front.call(
        "converse",
        modelId="oa/gpt",
        messages=[{"role": "user", "content": [{"text": "What?"}, image]}],
        inferenceConfig={"maxTokens": 9, "stopSequences": ["END"]},
        outputConfig={"textFormat": {"type": "json_schema", "structure": structure}},
    )
    url = front.sent["messages"][0]["content"][1]["image_url"]["url"]
    assert url == f"data:image/png;base64,{b64encode(bytes([0x89]) + b'PNG').decode()}"
    assert front.sent["response_format"]["json_schema"]["schema"] == schema
    assert (front.sent["max_completion_tokens"], front.sent["stop"]) == (9, ["END"])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "ValidationException"),
        (404, "ResourceNotFoundException"),
        (408, "ModelTimeoutException"),
        (429, "ThrottlingException"),
        (500, "InternalServerException"),
        (503, "ServiceUnavailableException"),
    ],
)
@pytest.mark.parametrize("model", ["aws/amazon.nova-lite-v1:0", "oa/gpt"])
async def test_an_error_is_the_exception_of_its_kind(
    front: Front, model: str, status: int, kind: str
) -> None:
    error = {"message": "Not so"}
    front.replies(error if model.startswith("aws") else {"error": error}, status)
    with pytest.raises(getattr(front.runtime.exceptions, kind)) as caught:
        await front.call("converse", modelId=model, messages=HI)
    assert caught.value.response["Error"]["Code"] == kind
    if status < 500:
        assert "Not so" in str(caught.value)


async def test_a_model_that_is_not_known_is_an_error_of_aws_s(front: Front) -> None:
    with pytest.raises(ClientError) as caught:
        await front.call("converse", modelId="nobody", messages=HI)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("model", ["aws/us.anthropic.claude-3-haiku-20240307-v1:0", "oa/gpt"])
async def test_invoke_model_takes_anthropics_body_for_any_provider(
    front: Front, model: str
) -> None:
    text = [{"type": "text", "text": "Hi"}]
    usage = {"input_tokens": 3, "output_tokens": 2}
    answer = {
        "id": "msg",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": text,
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }
    body = json.dumps(answer).encode() if model.startswith("aws") else completion({"content": "Hi"})
    front.upstream.reply(body)
    request = {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    }
    answer = await front.call("invoke_model", modelId=model, body=json.dumps(request))
    assert (answer["content"], answer["stop_reason"]) == (text, "end_turn")
    if model.startswith("aws"):
        assert front.sent == request


async def test_invoke_model_streams_an_openai_api_in_anthropics_form(front: Front) -> None:
    wire = chunks({"content": "Hé"}, finish="stop")
    front.upstream.stream(wire)
    body = json.dumps({"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})
    events = await front.call("invoke_model_with_response_stream", modelId="oa/gpt", body=body)
    values = [json.loads(event["chunk"]["bytes"]) for event in events]
    assert values[0]["type"] == "message_start"
    texts = [v["delta"]["text"] for v in values if v["type"] == "content_block_delta"]
    assert "".join(texts) == "Hé"
    assert values[-1]["type"] == "message_stop"


async def test_anthropics_client_for_bedrock_reads_an_openai_api(front: Front) -> None:
    fields: Any = {
        "model": "oa/gpt",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hi"}],
    }
    wire = chunks({"content": "Hé"}, finish="stop")
    front.upstream.stream(wire)
    async with AsyncAnthropicBedrock(
        aws_access_key="any",
        aws_secret_key="any",
        aws_region="us-east-1",
        base_url=f"{front.url}/bedrock",
        max_retries=0,
    ) as client:
        async with client.messages.stream(**fields) as answer:
            assert await answer.get_final_text() == "Hé"
        front.replies({"error": {"message": "Not so"}}, 429)
        with pytest.raises(RateLimitError, match="Not so"):
            await client.messages.create(**fields)


async def test_vectors_of_an_openai_api_are_read_in_titans_body(front: Front) -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 1.0]}
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    front.replies({"object": "list", "data": [vector], "model": "e", "usage": usage})
    answer = await front.call(
        "invoke_model",
        modelId="oa/amazon.titan-embed-text-v2:0",
        body=json.dumps({"inputText": "hi", "dimensions": 2}),
    )
    assert answer == {
        "embedding": [0.5, 1.0],
        "embeddingsByType": {"float": [0.5, 1.0]},
        "inputTextTokenCount": 2,
    }
    assert (front.sent["input"], front.sent["dimensions"]) == (["hi"], 2)


async def test_the_agent_runtime_ranks_with_a_model_of_bedrock(front: Front) -> None:
    front.replies({"results": [{"index": 1, "relevance_score": 0.9}]})
    arn = "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0"
    model = {"modelConfiguration": {"modelArn": f"aws/{arn}"}, "numberOfResults": 1}
    source = [
        {"type": "TEXT", "textDocument": {"text": "one"}},
        {"type": "JSON", "jsonDocument": {"n": 2}},
    ]
    answer = await asyncio.to_thread(
        front.client("bedrock-agent-runtime").rerank,
        queries=[{"type": "TEXT", "textQuery": {"text": "q"}}],
        sources=[{"type": "INLINE", "inlineDocumentSource": one} for one in source],
        rerankingConfiguration={
            "type": "BEDROCK_RERANKING_MODEL",
            "bedrockRerankingConfiguration": model,
        },
    )
    assert answer["results"] == [{"index": 1, "relevanceScore": 0.9}]
    assert front.sent == {
        "query": "q",
        "documents": ["one", '{"n":2}'],
        "top_n": 1,
        "api_version": 2,
    }


async def test_tokens_are_counted(front: Front) -> None:
    front.replies({"inputTokens": 7})
    counted = {"converse": {"messages": HI}}
    model = "aws/anthropic.claude-sonnet-4-20250514-v1:0"
    answer = await front.call("count_tokens", modelId=model, input=counted)
    assert answer["inputTokens"] == 7
    assert front.sent == {"input": counted}


async def test_a_guardrail_is_applied(front: Front) -> None:
    units = ("topicPolicyUnits", "contentPolicyUnits", "wordPolicyUnits")
    usage = dict.fromkeys(units, 0)
    front.replies({"usage": usage, "action": "NONE", "outputs": [], "assessments": []})
    answer = await front.call(
        "apply_guardrail",
        guardrailIdentifier="g",
        guardrailVersion="1",
        source="INPUT",
        content=[{"text": {"text": "hi"}}],
    )
    assert answer["action"] == "NONE"
    assert front.upstream.requests[-1].path == "/guardrail/g/version/1/apply"
