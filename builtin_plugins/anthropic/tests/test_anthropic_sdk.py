"""Anthropic's official SDK against a gateway process: before Anthropic and an OpenAI API."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anthropic
import pytest
import pytest_asyncio
from anthropic._constants import ANTHROPIC_API_VERSION
from tests.faults.gateway import serving
from tests.openai_answers import chunks, completion

from jackfield import sse
from jackfield.testing import FakeUpstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
Front = tuple[anthropic.AsyncAnthropic, FakeUpstream]
MESSAGES: Any = [{"role": "user", "content": "Weather in Rome?"}]
TOOLS: Any = [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}]
PIXEL = "iVBORw0KGgo="
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"a":1}'}}


def message(*content: Mapping[str, Any], stop: str = "end_turn") -> bytes:
    value = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-opus-5",
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 2},
    }
    return json.dumps(value).encode()


def events(*values: dict[str, Any]) -> list[bytes]:
    return [sse.encode(json.dumps(value).encode(), value["type"]) for value in values]


def configuration(upstream: FakeUpstream) -> str:
    return f"""
[server]
bind = "127.0.0.1:0"
admin = ""
[upstream]
retries = 0
[providers.an]
use = "anthropic"
base_url = "{upstream.base_url}"
keys = ["env:UPSTREAM_KEY"]
[providers.oa]
use = "openai"
base_url = "{upstream.base_url}/v1"
dialects = ["openai.chat"]
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["/anthropic", ""])
async def front(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Front]:
    folder = tmp_path_factory.mktemp("gateway")
    async with FakeUpstream() as upstream, serving(folder, configuration(upstream)) as gateway:
        client = anthropic.AsyncAnthropic(
            base_url=gateway.url + request.param, api_key="client-key", max_retries=0
        )
        async with client:
            yield client, upstream


def sent(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.requests[-1].body)


async def test_a_message_goes_to_anthropic_as_it_came(front: Front) -> None:
    client, upstream = front
    upstream.reply(message({"type": "text", "text": "Sunny."}))
    answer = await client.messages.create(model="an/claude-opus-5", max_tokens=9, messages=MESSAGES)
    assert answer.content[0].to_dict() == {"type": "text", "text": "Sunny."}
    received = upstream.requests[-1]
    assert received.path == "/v1/messages"
    assert sent(upstream) == {"model": "claude-opus-5", "max_tokens": 9, "messages": MESSAGES}
    assert received.headers.getall("anthropic-version") == [ANTHROPIC_API_VERSION]
    assert received.headers["x-api-key"] not in ("", "client-key")
    assert "authorization" not in received.headers


async def test_beta_features_and_their_header_are_passed_on(front: Front) -> None:
    client, upstream = front
    upstream.reply(message({"type": "text", "text": "Sunny."}))
    await client.beta.messages.create(
        model="an/claude-opus-5",
        max_tokens=9,
        messages=MESSAGES,
        betas=["context-management-2025-06-27"],
    )
    sent_head = upstream.requests[-1].headers
    assert sent_head["anthropic-beta"] == "context-management-2025-06-27"


async def test_the_sdk_reads_a_stream_of_anthropic(front: Front) -> None:
    client, upstream = front
    start = json.loads(message()) | {"stop_reason": None}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    upstream.stream(
        events(
            {"type": "message_start", "message": start},
            {
                "type": "content_block_start",
                "index": 0,
                "content_block": {"type": "text", "text": ""},
            },
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": "Sunny"},
            },
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 7}},
            {"type": "message_stop"},
        )
    )
    async with client.messages.stream(
        model="an/claude-opus-5", max_tokens=9, messages=MESSAGES
    ) as stream:
        answer = await stream.get_final_message()
    assert answer.content[0].to_dict() == {"type": "text", "text": "Sunny"}
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (3, 7)


async def test_tool_calls_and_results_go_through_an_openai_api(front: Front) -> None:
    client, upstream = front
    upstream.reply(completion({"content": None, "tool_calls": [CALL]}, "tool_calls"))
    upstream.reply(completion({"content": "It is sunny."}))
    options: Any = {"model": "oa/gpt", "max_tokens": 9, "tools": TOOLS}
    first = await client.messages.create(**options, messages=MESSAGES, tool_choice={"type": "any"})
    assert first.stop_reason == "tool_use"
    assert sent(upstream)["tool_choice"] == "required"
    (use,) = first.content
    assert isinstance(use, anthropic.types.ToolUseBlock)
    assert (use.id, use.name, use.input) == ("call_1", "weather", {"a": 1})
    result: Any = {"type": "tool_result", "tool_use_id": use.id, "content": "Sunny"}
    turns: Any = [*MESSAGES, {"role": "assistant", "content": first.content}]
    second = await client.messages.create(
        **options, messages=[*turns, {"role": "user", "content": [result]}]
    )
    assert sent(upstream)["messages"][-1]["tool_call_id"] == "call_1"
    assert second.content[0].to_dict()["text"] == "It is sunny."
    assert (second.usage.input_tokens, second.usage.output_tokens) == (30, 20)


async def test_the_sdk_reads_streamed_tool_calls_of_an_openai_api(front: Front) -> None:
    client, upstream = front
    begun = {"tool_calls": [{"index": 0, **CALL, "function": {"name": "weather", "arguments": ""}}]}
    more = {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]}
    thought = {"reasoning_content": "Hm."}
    upstream.stream(chunks(thought, {"content": "Look: "}, begun, more, finish="tool_calls"))
    async with client.messages.stream(
        model="oa/gpt", max_tokens=9, messages=MESSAGES, tools=TOOLS
    ) as stream:
        answer = await stream.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "text", "tool_use"]
    assert answer.content[2].to_dict()["input"] == {"a": 1}
    assert answer.stop_reason == "tool_use"
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (30, 20)
    assert sent(upstream)["stream_options"] == {"include_usage": True}


async def test_an_image_and_a_schema_reach_an_openai_api(front: Front) -> None:
    client, upstream = front
    upstream.reply(completion({"content": '{"a":1}'}))
    schema: dict[str, object] = {"type": "object", "properties": {"a": {"type": "integer"}}}
    image: Any = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    messages: Any = [{"role": "user", "content": [{"type": "image", "source": image}]}]
    answer = await client.messages.create(
        model="oa/gpt",
        max_tokens=9,
        system="Be brief.",
        messages=messages,
        output_config={"format": {"type": "json_schema", "schema": schema}},
    )
    assert answer.content[0].to_dict()["text"] == '{"a":1}'
    body = sent(upstream)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    part = body["messages"][1]["content"][0]
    assert part["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"
    assert body["response_format"]["json_schema"]["schema"] == schema


async def test_a_thought_of_another_vendor_is_kept_from_anthropic(front: Front) -> None:
    client, upstream = front
    upstream.reply(completion({"reasoning_content": "Hm.", "content": "Sunny."}))
    upstream.reply(message({"type": "text", "text": "Yes."}))
    first = await client.messages.create(model="oa/gpt", max_tokens=9, messages=MESSAGES)
    turns: Any = [*MESSAGES, {"role": "assistant", "content": first.content}, *MESSAGES]
    await client.messages.create(model="an/claude-opus-5", max_tokens=9, messages=turns)
    assert b"jackfield." not in upstream.requests[-1].body
    kept = sent(upstream)["messages"][1]["content"]
    assert kept == [{"type": "text", "text": "Sunny."}]


@pytest.mark.parametrize(
    ("status", "kind", "error"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (529, "overloaded_error", anthropic.OverloadedError),
        (500, "api_error", anthropic.InternalServerError),
    ],
)
@pytest.mark.parametrize("model", ["an/claude-opus-5", "oa/gpt"])
async def test_an_error_has_the_class_it_has_with_anthropic(
    front: Front, status: int, kind: str, error: type[anthropic.APIStatusError], model: str
) -> None:
    client, upstream = front
    upstream.reply(json.dumps({"error": {"type": kind, "message": "No."}}).encode(), status)
    with pytest.raises(error) as raised:
        await client.messages.create(model=model, max_tokens=9, messages=MESSAGES)
    assert raised.value.type == kind


async def test_the_sdks_tool_runner_sends_another_vendor_the_whole_conversation(
    front: Front,
) -> None:
    client, upstream = front

    @anthropic.beta_async_tool
    async def weather(city: str) -> str:
        """The weather in a city."""
        return f"Sunny in {city}."

    called = {"name": "weather", "arguments": '{"city":"Rome"}'}
    call = {"id": "call_1", "type": "function", "function": called}
    upstream.reply(completion({"content": None, "tool_calls": [call]}, "tool_calls"))
    upstream.reply(completion({"content": "It is sunny."}))
    runner = client.beta.messages.tool_runner(
        model="oa/gpt", max_tokens=9, tools=[weather], messages=MESSAGES
    )
    answer = await runner.until_done()
    assert answer.content[0].to_dict()["text"] == "It is sunny."
    assert [turn["role"] for turn in sent(upstream)["messages"]] == ["user", "assistant", "tool"]


async def test_an_error_in_a_stream_raises(front: Front) -> None:
    client, upstream = front
    error = {"type": "overloaded_error", "message": "Too much."}
    start = json.loads(message()) | {"stop_reason": None}
    upstream.stream(
        events({"type": "message_start", "message": start}, {"type": "error", "error": error})
    )
    with pytest.raises(anthropic.APIStatusError, match="Too much"):
        async for _ in await client.messages.create(
            model="an/claude-opus-5", max_tokens=9, messages=MESSAGES, stream=True
        ):
            pass


async def test_wrong_input_is_refused_before_anything_is_sent(front: Front) -> None:
    client, upstream = front
    before = len(upstream.requests)
    wrong: Any = [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]
    with pytest.raises(anthropic.BadRequestError, match=r"messages\[0\].content\[0\].source.data"):
        await client.messages.create(model="oa/gpt", max_tokens=9, messages=wrong)
    assert len(upstream.requests) == before


async def test_the_results_of_a_batch_come_through_the_gateway(front: Front) -> None:
    client, upstream = front
    path = "/v1/messages/batches/msgbatch_1/results"
    batch = {"id": "msgbatch_1", "type": "message_batch", "processing_status": "ended"}
    upstream.reply(json.dumps(batch | {"results_url": upstream.base_url + path}).encode())
    line = b'{"custom_id":"a","result":{"type":"expired"}}\n'
    upstream.reply(line, headers={"Content-Type": "application/x-jsonl"})
    results = await client.messages.batches.results("msgbatch_1")
    assert [(one.custom_id, one.result.type) async for one in results] == [("a", "expired")]
    assert upstream.requests[-1].path == path
    assert upstream.requests[-1].headers["x-api-key"] not in ("", "client-key")


async def test_tokens_are_counted(front: Front) -> None:
    client, upstream = front
    upstream.reply(b'{"input_tokens": 12}')
    count = await client.messages.count_tokens(model="an/claude-opus-5", messages=MESSAGES)
    assert count.input_tokens == 12
    assert upstream.requests[-1].path == "/v1/messages/count_tokens"
