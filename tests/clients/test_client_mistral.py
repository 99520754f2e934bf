"""Mistral's SDK at `/mistral`: chats with every vendor."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor, each_vendor
from tests.clients.weather import PIXEL, QUESTION, REFUSED, RESULT, SCHEMA, City, holds
from tests.corpus import needs_corpus

sdk = pytest.importorskip("mistralai.client")
SDKError = pytest.importorskip("mistralai.client.errors").SDKError
pytestmark = needs_corpus
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[Any]:
    with sdk.Mistral(api_key="any", server_url=f"{gateway}/mistral") as client:
        yield client


def tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


def text_of(content: Any) -> str:
    if not isinstance(content, list):
        return str(content or "")
    return "".join(part.text for part in content if part.type == "text")


@each_vendor("answer")
def test_a_chat_is_answered(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.chat.complete(model=vendor.model, messages=MESSAGES)
    (choice,) = answer.choices
    assert (text_of(choice.message.content), choice.finish_reason) == (recorded.text, "stop")
    assert answer.usage.prompt_tokens > 0


@each_vendor("stream")
def test_a_chat_is_streamed(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    with client.chat.stream(model=vendor.model, messages=MESSAGES) as events:
        chunks = [event.data for event in events]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert "".join(text_of(choice.delta.content) for choice in choices) == recorded.text
    assert [one.finish_reason for one in choices if one.finish_reason] == ["stop"]


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    tools = [tool(name) for name, _ in recorded.calls]
    called = client.chat.complete(model=vendor.model, messages=MESSAGES, tools=tools)
    message = called.choices[0].message
    (call,) = message.tool_calls
    assert [(call.function.name, json.loads(call.function.arguments))] == recorded.calls
    name = call.function.name
    result = {"role": "tool", "tool_call_id": call.id, "name": name, "content": RESULT}
    turns = [*MESSAGES, message, result]
    answer = client.chat.complete(model=vendor.model, messages=turns, tools=tools)
    assert text_of(answer.choices[0].message.content) == after.text
    assert holds(upstream.received[-1], RESULT, name)


@each_vendor("object")
def test_an_answer_is_parsed(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("object")
    upstream.plays(recorded)
    answer = client.chat.parse(City, model=vendor.model, messages=MESSAGES)
    assert answer.choices[0].message.parsed == City.model_validate(recorded.object)


@each_vendor("answer")
def test_a_picture_is_sent(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    picture = {"type": "image_url", "image_url": f"data:image/png;base64,{PIXEL}"}
    messages = [{"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]}]
    client.chat.complete(model=vendor.model, messages=messages)
    assert holds(upstream.received[-1], PIXEL, QUESTION)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(SDKError) as refused:
        client.chat.complete(model=vendor.model, messages=MESSAGES)
    assert refused.value.status_code == recorded.status
    assert recorded.message in json.loads(refused.value.body)["message"]


@each_vendor("answer")
def test_a_limit_says_when_to_come_again(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.fails(429, REFUSED, retry_after="7")
    with pytest.raises(SDKError) as limited:
        client.chat.complete(model=vendor.model, messages=MESSAGES)
    assert (limited.value.status_code, limited.value.headers["retry-after"]) == (429, "7")


def test_an_unknown_model_is_not_found(client: Any) -> None:
    with pytest.raises(SDKError, match="nobody") as unknown:
        client.chat.complete(model="nobody", messages=MESSAGES)
    assert unknown.value.status_code == 404


@each_vendor("embeddings")
def test_texts_become_vectors(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("embeddings")
    upstream.plays(recorded)
    texts = [f"text {number}" for number in range(len(recorded.vectors))]
    made = client.embeddings.create(model=vendor.embedder, inputs=texts)
    assert [item.embedding for item in made.data] == [pytest.approx(v) for v in recorded.vectors]


def test_the_models_of_all_vendors_are_listed(client: Any) -> None:
    listed = {model.id for model in client.models.list().data}
    assert {vendor.model for vendor in VENDORS.values()} <= listed


def test_a_model_is_listed_with_what_it_can_do(client: Any) -> None:
    claude = client.models.retrieve(model_id=VENDORS["anthropic"].model)
    assert claude.max_context_length == 200_000
    can = claude.capabilities
    assert (can.completion_chat, can.function_calling, can.vision) == (True, True, True)
    embedder = client.models.retrieve(model_id=VENDORS["openai"].embedder)
    assert not embedder.capabilities.completion_chat
