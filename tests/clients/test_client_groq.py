"""Groq's SDK, whose paths begin with `/openai/v1`, at the gateway's root."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.clients.upstream import Upstream
from tests.clients.vendors import Vendor, each_vendor
from tests.clients.weather import PIXEL, QUESTION, REFUSED, RESULT, SCHEMA, holds
from tests.corpus import needs_corpus

groq = pytest.importorskip("groq")
pytestmark = needs_corpus
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
PICTURE: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[Any]:
    with groq.Groq(base_url=gateway, api_key="any", max_retries=0) as client:
        yield client


def tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


@each_vendor("answer")
def test_a_chat_is_answered(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.chat.completions.create(model=vendor.model, messages=MESSAGES)
    assert answer.choices[0].message.content == recorded.text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0


@each_vendor("stream")
def test_a_stream_is_read_whole(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    chunks = list(
        client.chat.completions.create(model=vendor.model, messages=MESSAGES, stream=True)
    )
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(choice.delta.content or "" for choice in choices) == recorded.text
    assert [one.finish_reason for one in choices if one.finish_reason] == ["stop"]


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    tools = [tool(name) for name, _ in recorded.calls]
    called = client.chat.completions.create(model=vendor.model, messages=MESSAGES, tools=tools)
    assert called.choices[0].finish_reason == "tool_calls"
    message = called.choices[0].message
    (call,) = message.tool_calls or []
    assert [(call.function.name, json.loads(call.function.arguments))] == recorded.calls
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    answer = client.chat.completions.create(
        model=vendor.model,
        messages=[*MESSAGES, message.model_dump(exclude_none=True), result],
        tools=tools,
    )
    assert answer.choices[0].message.content == after.text
    assert holds(upstream.received[-1], RESULT, call.function.name)


@each_vendor("answer")
def test_a_picture_is_sent(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    content = [{"type": "text", "text": QUESTION}, PICTURE]
    messages: Any = [{"role": "user", "content": content}]
    client.chat.completions.create(model=vendor.model, messages=messages)
    assert holds(upstream.received[-1], PIXEL, QUESTION)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(groq.APIStatusError) as refused:
        client.chat.completions.create(model=vendor.model, messages=MESSAGES)
    assert refused.value.status_code == recorded.status
    assert recorded.message in refused.value.message


@each_vendor("answer")
def test_a_limit_says_when_to_come_again(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.fails(429, REFUSED, retry_after="7")
    with pytest.raises(groq.RateLimitError) as limited:
        client.chat.completions.create(model=vendor.model, messages=MESSAGES)
    assert limited.value.response.headers["retry-after"] == "7"


def test_an_unknown_model_is_not_found(client: Any) -> None:
    with pytest.raises(groq.NotFoundError, match="nobody"):
        client.chat.completions.create(model="nobody", messages=MESSAGES)
