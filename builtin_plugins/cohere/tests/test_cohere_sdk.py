"""Cohere's official SDK against a gateway process: in front of Cohere, and of an OpenAI API."""

import json
from collections.abc import AsyncIterator
from typing import Any

import cohere
import httpx
import pytest
import pytest_asyncio
from cohere.core.api_error import ApiError
from tests.faults.gateway import serving
from tests.openai_answers import chunks, completion

from jackfield.testing import FakeUpstream

pytestmark = pytest.mark.asyncio(loop_scope="module")
Front = tuple[cohere.AsyncClientV2, FakeUpstream]
MESSAGES: Any = [{"role": "user", "content": "Weather in Rome?"}]
CALL = {"name": "weather", "arguments": '{"city":"Rome"}'}
TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
]
COHERE_ANSWER = {
    "id": "c-1",
    "finish_reason": "TOOL_CALL",
    "message": {
        "role": "assistant",
        "tool_plan": "I will look.",
        "tool_calls": [{"id": "w_1", "type": "function", "function": CALL}],
    },
    "usage": {
        "billed_units": {"input_tokens": 3, "output_tokens": 2},
        "tokens": {"input_tokens": 30, "output_tokens": 20},
    },
}


def configuration(upstream: FakeUpstream) -> str:
    return f"""
[server]
bind = "127.0.0.1:0"
admin = ""
[upstream]
retries = 0
[providers.co]
use = "cohere"
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
    async with (
        FakeUpstream() as upstream,
        serving(folder, configuration(upstream)) as gateway,
        httpx.AsyncClient(timeout=20) as http,
    ):
        base_url = f"{gateway.url}/cohere"
        co = cohere.AsyncClientV2("key", base_url=base_url, max_retries=0, httpx_client=http)
        yield co, upstream


def sent(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.requests[-1].body)


def message_of(response: cohere.V2ChatResponse) -> Any:
    return response.message.model_dump(exclude_none=True)


async def test_tool_calls_and_results_reach_cohere_unchanged(front: Front) -> None:
    co, upstream = front
    upstream.reply(json.dumps(COHERE_ANSWER).encode())
    upstream.reply(json.dumps(COHERE_ANSWER).encode())
    first = await co.chat(model="co/command-a", messages=MESSAGES, tools=TOOLS)
    answer = message_of(first)
    assert answer == COHERE_ANSWER["message"]
    result: Any = {"role": "tool", "tool_call_id": "w_1", "content": "Sunny"}
    await co.chat(model="co/command-a", messages=[*MESSAGES, answer, result], tools=TOOLS)
    assert upstream.requests[-2].path == "/v2/chat"
    assert upstream.requests[-2].headers["authorization"].startswith("Bearer ")
    assert sent(upstream)["messages"][1:] == [answer, result]


async def test_tool_calls_and_results_go_through_an_openai_api(front: Front) -> None:
    co, upstream = front
    called = {"id": "w_1", "type": "function", "function": CALL}
    upstream.reply(completion({"content": None, "tool_calls": [called]}, "tool_calls"))
    upstream.reply(completion({"content": "It is sunny."}, "stop"))
    first = await co.chat(
        model="oa/gpt", messages=MESSAGES, tools=TOOLS, tool_choice="REQUIRED", max_tokens=9
    )
    assert first.finish_reason == "TOOL_CALL"
    assert first.usage is not None
    assert first.usage.tokens is not None
    assert first.usage.tokens.input_tokens == 30
    result: Any = {"role": "tool", "tool_call_id": "w_1", "content": "Sunny"}
    second = await co.chat(
        model="oa/gpt", messages=[*MESSAGES, message_of(first), result], tools=TOOLS
    )
    assert message_of(second)["content"] == [{"type": "text", "text": "It is sunny."}]
    request = json.loads(upstream.requests[-2].body)
    assert (request["tool_choice"], request["max_completion_tokens"]) == ("required", 9)
    assert sent(upstream)["messages"][1]["tool_calls"] == [called]
    assert sent(upstream)["messages"][2]["tool_call_id"] == "w_1"


async def test_the_sdk_reads_a_stream_of_an_openai_api(front: Front) -> None:
    co, upstream = front
    call = {"index": 0, "id": "w_1", "type": "function", "function": CALL}
    thought = {"reasoning_content": "Hm."}
    upstream.stream(
        chunks(thought, {"content": "Sun"}, {"tool_calls": [call]}, finish="tool_calls")
    )
    stream = co.chat_stream(model="oa/gpt", messages=MESSAGES, tools=TOOLS)
    events: list[Any] = [event async for event in stream]
    assert [event.type for event in events] == [
        "message-start",
        *("content-start", "content-delta", "content-end") * 2,
        *("tool-call-start", "tool-call-delta", "tool-call-end"),
        "message-end",
    ]
    assert events[2].delta.message.content.thinking == "Hm."
    assert events[5].delta.message.content.text == "Sun"
    assert events[7].delta.message.tool_calls.id == "w_1"
    assert events[-1].delta.finish_reason == "TOOL_CALL"
    assert events[-1].delta.usage.tokens.output_tokens == 20


async def test_a_schema_and_an_image_reach_an_openai_api(front: Front) -> None:
    co, upstream = front
    upstream.reply(completion({"content": '{"a":1}'}, "stop"))
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    turns: Any = [{"role": "user", "content": [{"type": "text", "text": "See:"}, image]}]
    form: Any = {"type": "json_object", "json_schema": schema}
    answer = await co.chat(model="oa/gpt", messages=turns, response_format=form)
    assert message_of(answer)["content"][0]["text"] == '{"a":1}'
    assert sent(upstream)["messages"][0]["content"][1] == image
    assert sent(upstream)["response_format"]["json_schema"]["schema"] == schema


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, cohere.BadRequestError),
        (404, cohere.NotFoundError),
        (422, cohere.UnprocessableEntityError),
        (429, cohere.TooManyRequestsError),
    ],
)
async def test_an_error_of_either_provider_is_one_of_the_sdk(
    front: Front, status: int, error: type[ApiError]
) -> None:
    co, upstream = front
    upstream.reply(b'{"id":"1","message":"too bad"}', status)
    with pytest.raises(error) as native:
        await co.chat(model="co/command-a", messages=MESSAGES)
    upstream.reply(b'{"error":{"message":"too bad","type":"x"}}', status)
    with pytest.raises(error) as translated:
        await co.chat(model="oa/gpt", messages=MESSAGES)
    assert native.value.body["message"] == translated.value.body["message"] == "too bad"


async def test_an_unreadable_request_is_refused_before_anything_is_sent(front: Front) -> None:
    co, upstream = front
    before = len(upstream.requests)
    wrong: Any = [{"role": "user", "content": [{"type": "text"}]}]
    with pytest.raises(cohere.BadRequestError) as refused:
        await co.chat(model="oa/gpt", messages=wrong)
    assert "messages[0].content[0].text" in refused.value.body["message"]
    assert len(upstream.requests) == before


async def test_the_sdk_reads_vectors_of_cohere_and_of_an_openai_api(front: Front) -> None:
    co, upstream = front
    native = {"id": "e", "embeddings": {"float": [[0.5]]}, "texts": ["a"]}
    upstream.reply(json.dumps(native).encode())
    vector = {"object": "embedding", "index": 0, "embedding": [0.25]}
    upstream.reply(json.dumps({"object": "list", "model": "m", "data": [vector]}).encode())
    options: Any = {"input_type": "search_query", "embedding_types": ["float"]}
    one = await co.embed(model="co/embed", texts=["a"], **options)
    two = await co.embed(model="oa/embed", texts=["a"], output_dimension=1, **options)
    assert (one.embeddings.float_, two.embeddings.float_) == ([[0.5]], [[0.25]])
    request = sent(upstream)
    assert (request["model"], request["input"], request["dimensions"]) == ("embed", ["a"], 1)


async def test_other_endpoints_reach_cohere_as_they_are(front: Front) -> None:
    co, upstream = front
    upstream.reply(b'{"id":"r","results":[{"index":1,"relevance_score":0.5}],"meta":{}}')
    upstream.reply(b'{"tokens":[1,2],"token_strings":["a","b"]}')
    ranked = await co.rerank(model="co/rerank-v3.5", query="q", documents=["a", "b"])
    counted = await co.tokenize(model="co/command-a", text="ab", offline=False)
    assert [result.index for result in ranked.results] == [1]
    assert counted.tokens == [1, 2]
    paths = [request.path for request in upstream.requests[-2:]]
    assert paths == ["/v2/rerank", "/v1/tokenize"]


async def test_the_sdk_of_v1_is_served_by_an_openai_api(front: Front) -> None:
    client, upstream = front
    vector = {"object": "embedding", "index": 0, "embedding": [0.25]}
    upstream.reply(json.dumps({"object": "list", "model": "m", "data": [vector]}).encode())
    wrapper = client._client_wrapper
    legacy = cohere.AsyncClient(
        "key",
        base_url=wrapper.get_base_url(),
        httpx_client=wrapper.httpx_client.httpx_client,
    )
    embedded = await legacy.embed(texts=["a"], model="oa/embed", input_type="search_query")
    assert embedded.embeddings == [[0.25]]
    assert sent(upstream)["input"] == ["a"]
