"""Cohere's SDK at `/cohere`: chats with every vendor, embeddings and rankings."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor, each_vendor
from tests.clients.weather import PIXEL, QUESTION, REFUSED, RESULT, SCHEMA, City, holds
from tests.corpus import needs_corpus

cohere = pytest.importorskip("cohere")
ApiError = pytest.importorskip("cohere.core.api_error").ApiError
pytestmark = needs_corpus
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[Any]:
    with cohere.ClientV2("any", base_url=f"{gateway}/cohere") as client:
        yield client


def tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


def text_of(message: Any) -> str:
    return "".join(part.text for part in message.content or () if part.type == "text")


@each_vendor("answer")
def test_a_chat_is_answered(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.chat(model=vendor.model, messages=MESSAGES)
    assert (text_of(answer.message), answer.finish_reason) == (recorded.text, "COMPLETE")
    assert answer.usage.tokens.input_tokens > 0


@each_vendor("stream")
def test_a_chat_is_streamed(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    events = list(client.chat_stream(model=vendor.model, messages=MESSAGES))
    deltas = [event.delta.message.content for event in events if event.type == "content-delta"]
    assert "".join(delta.text or "" for delta in deltas) == recorded.text
    assert events[-1].delta.finish_reason == "COMPLETE"


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    tools = [tool(name) for name, _ in recorded.calls]
    called = client.chat(model=vendor.model, messages=MESSAGES, tools=tools)
    assert called.finish_reason == "TOOL_CALL"
    (call,) = called.message.tool_calls
    assert [(call.function.name, json.loads(call.function.arguments))] == recorded.calls
    result = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    turns = [*MESSAGES, called.message, result]
    answer = client.chat(model=vendor.model, messages=turns, tools=tools)
    assert text_of(answer.message) == after.text
    assert holds(upstream.received[-1], RESULT, call.function.name)


@each_vendor("object")
def test_an_answer_is_an_object(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("object")
    upstream.plays(recorded)
    schema = {"type": "json_object", "json_schema": City.model_json_schema()}
    answer = client.chat(model=vendor.model, messages=MESSAGES, response_format=schema)
    assert json.loads(text_of(answer.message)) == recorded.object
    assert holds(upstream.received[-1], "country")


@each_vendor("answer")
def test_a_picture_is_sent(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": QUESTION}, picture]}]
    client.chat(model=vendor.model, messages=messages)
    assert holds(upstream.received[-1], PIXEL, QUESTION)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(ApiError) as refused:
        client.chat(model=vendor.model, messages=MESSAGES, request_options={"max_retries": 0})
    assert refused.value.status_code == recorded.status
    assert recorded.message in str(refused.value.body)


@each_vendor("answer")
def test_a_limit_is_an_exception_of_its_kind(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    upstream.fails(429, REFUSED, retry_after="7")
    with pytest.raises(cohere.TooManyRequestsError):
        client.chat(model=vendor.model, messages=MESSAGES, request_options={"max_retries": 0})


def test_an_unknown_model_is_not_found(client: Any) -> None:
    with pytest.raises(cohere.NotFoundError, match="nobody"):
        client.chat(model="nobody", messages=MESSAGES)


@each_vendor("embeddings")
def test_texts_become_vectors(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("embeddings")
    upstream.plays(recorded)
    texts = [f"text {number}" for number in range(len(recorded.vectors))]
    made = client.embed(
        model=vendor.embedder,
        texts=texts,
        input_type="search_document",
        embedding_types=["float"],
    )
    assert made.embeddings.float_ == [pytest.approx(vector) for vector in recorded.vectors]


@each_vendor("rerank")
def test_documents_are_ranked(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("rerank")
    upstream.plays(recorded)
    ranked = client.rerank(model=vendor.reranker, query=QUESTION, documents=["a", "b"])
    scores = [(one.index, one.relevance_score) for one in ranked.results]
    assert scores == [(one["index"], one["relevance_score"]) for one in recorded.body["results"]]


def test_the_models_of_all_vendors_are_listed(client: Any) -> None:
    listed = {model.name for model in client.models.list().models}
    assert {vendor.model for vendor in VENDORS.values()} <= listed


def test_a_model_is_listed_with_what_it_can_do(client: Any) -> None:
    claude = client.models.get(VENDORS["anthropic"].model)
    assert (claude.endpoints, claude.context_length) == (["chat"], 200_000)
    assert client.models.get(VENDORS["openai"].embedder).endpoints == ["embed"]
