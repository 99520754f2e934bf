"""OpenAI's SDK at `/v1` and at `/azure`: chat completions by every vendor."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import APIStatusError, AzureOpenAI, NotFoundError, OpenAI, RateLimitError
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor, each_vendor
from tests.clients.weather import PIXEL, QUESTION, REFUSED, RESULT, SCHEMA, City, holds
from tests.corpus import needs_corpus

pytestmark = needs_corpus
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
PICTURE: Any = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}


@pytest.fixture(scope="module", params=["openai", "azure"])
def client(request: pytest.FixtureRequest, gateway: str) -> Iterator[OpenAI]:
    """The SDK's client of OpenAI, and that of Azure, which gives each deployment its own path."""
    if request.param == "openai":
        made = OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0)
    else:
        made = AzureOpenAI(
            azure_endpoint=f"{gateway}/azure",
            api_version="2024-10-21",
            api_key="any",
            max_retries=0,
        )
    with made as client:
        yield client


def tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


@each_vendor("answer")
def test_a_chat_is_answered(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.chat.completions.create(model=vendor.model, messages=MESSAGES)
    assert answer.choices[0].message.content == recorded.text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > 0


@each_vendor("stream")
def test_a_stream_is_read_whole(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    with client.chat.completions.stream(model=vendor.model, messages=MESSAGES) as stream:
        answer = stream.get_final_completion()
    assert answer.choices[0].message.content == recorded.text
    assert answer.choices[0].finish_reason == "stop"


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: OpenAI, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    tools = [tool(name) for name, _ in recorded.calls]
    called = client.chat.completions.create(model=vendor.model, messages=MESSAGES, tools=tools)
    assert called.choices[0].finish_reason == "tool_calls"
    message = called.choices[0].message
    (call,) = message.tool_calls or []
    assert call.type == "function"
    assert [(call.function.name, json.loads(call.function.arguments))] == recorded.calls
    result = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    turns: Any = [*MESSAGES, message, result]
    answer = client.chat.completions.create(model=vendor.model, messages=turns, tools=tools)
    assert answer.choices[0].message.content == after.text
    assert holds(upstream.received[-1], RESULT, call.function.name)


@each_vendor("streamed_call")
def test_a_call_is_streamed(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("streamed_call")
    upstream.plays(recorded)
    with client.chat.completions.stream(
        model=vendor.model, messages=MESSAGES, tools=[tool(name) for name, _ in recorded.calls]
    ) as stream:
        message = stream.get_final_completion().choices[0].message
    calls = [call.function for call in message.tool_calls or []]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == recorded.calls


@each_vendor("object")
def test_an_answer_is_parsed(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("object")
    upstream.plays(recorded)
    answer = client.chat.completions.parse(
        model=vendor.model, messages=MESSAGES, response_format=City
    )
    assert answer.choices[0].message.parsed == City.model_validate(recorded.object)
    assert holds(upstream.received[-1], "country", "properties")


@each_vendor("answer")
def test_a_picture_is_sent(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    content = [{"type": "text", "text": QUESTION}, PICTURE]
    messages: Any = [{"role": "user", "content": content}]
    client.chat.completions.create(model=vendor.model, messages=messages)
    assert holds(upstream.received[-1], PIXEL, QUESTION)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: OpenAI, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(APIStatusError) as refused:
        client.chat.completions.create(model=vendor.model, messages=MESSAGES)
    assert refused.value.status_code == recorded.status
    assert recorded.message in refused.value.message


@each_vendor("answer")
def test_a_limit_says_when_to_come_again(
    client: OpenAI, upstream: Upstream, vendor: Vendor
) -> None:
    upstream.fails(429, REFUSED, retry_after="7")
    with pytest.raises(RateLimitError) as limited:
        client.chat.completions.create(model=vendor.model, messages=MESSAGES)
    assert limited.value.response.headers["retry-after"] == "7"


def test_an_unknown_model_is_not_found(client: OpenAI) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        client.chat.completions.create(model="nobody", messages=MESSAGES)


@each_vendor("embeddings")
def test_texts_become_vectors(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("embeddings")
    upstream.plays(recorded)
    texts = [f"text {number}" for number in range(len(recorded.vectors))]
    made = client.embeddings.create(model=vendor.embedder, input=texts)
    assert [item.embedding for item in made.data] == [pytest.approx(v) for v in recorded.vectors]


def test_the_models_of_all_vendors_are_listed(client: OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert {vendor.model for vendor in VENDORS.values()} <= listed
