"""Ollama's SDK at `/ollama`: chats with every vendor."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor, each_vendor
from tests.clients.weather import PICTURE, PIXEL, QUESTION, REFUSED, RESULT, SCHEMA, City, holds
from tests.corpus import needs_corpus

ollama = pytest.importorskip("ollama")
pytestmark = needs_corpus
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[Any]:
    with ollama.Client(host=f"{gateway}/ollama") as client:
        yield client


def tool(name: str) -> Any:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA}}


def calls_of(message: Any) -> list[tuple[str, Any]]:
    return [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]


@each_vendor("answer")
def test_a_chat_is_answered(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.chat(model=vendor.model, messages=MESSAGES)
    assert (answer.message.content, answer.done_reason) == (recorded.text, "stop")
    assert answer.prompt_eval_count > 0


@each_vendor("stream")
def test_a_chat_is_streamed(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    chunks = list(client.chat(model=vendor.model, messages=MESSAGES, stream=True))
    assert "".join(chunk.message.content or "" for chunk in chunks) == recorded.text
    assert [chunk.done for chunk in chunks].index(True) == len(chunks) - 1


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    tools = [tool(name) for name, _ in recorded.calls]
    called = client.chat(model=vendor.model, messages=MESSAGES, tools=tools)
    assert calls_of(called.message) == recorded.calls
    ((name, _),) = recorded.calls
    result = {"role": "tool", "tool_name": name, "content": RESULT}
    answer = client.chat(
        model=vendor.model, messages=[*MESSAGES, called.message, result], tools=tools
    )
    assert answer.message.content == after.text
    assert holds(upstream.received[-1], RESULT, name)


@each_vendor("streamed_call")
def test_a_call_is_streamed(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("streamed_call")
    upstream.plays(recorded)
    tools = [tool(name) for name, _ in recorded.calls]
    chunks = client.chat(model=vendor.model, messages=MESSAGES, tools=tools, stream=True)
    assert [call for chunk in chunks for call in calls_of(chunk.message)] == recorded.calls


@each_vendor("object")
def test_an_answer_is_an_object(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("object")
    upstream.plays(recorded)
    schema = City.model_json_schema()
    answer = client.chat(model=vendor.model, messages=MESSAGES, format=schema)
    assert City.model_validate_json(answer.message.content) == City.model_validate(recorded.object)


@each_vendor("answer")
def test_a_picture_is_sent(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    message = {"role": "user", "content": QUESTION, "images": [PICTURE]}
    client.chat(model=vendor.model, messages=[message])
    assert holds(upstream.received[-1], PIXEL, QUESTION)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: Any, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(ollama.ResponseError) as refused:
        client.chat(model=vendor.model, messages=MESSAGES)
    assert refused.value.status_code == recorded.status
    assert recorded.message in refused.value.error


@each_vendor("answer")
def test_a_limit_is_reported(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    upstream.fails(429, REFUSED, retry_after="7")
    with pytest.raises(ollama.ResponseError) as limited:
        client.chat(model=vendor.model, messages=MESSAGES)
    assert limited.value.status_code == 429


def test_an_unknown_model_is_not_found(client: Any) -> None:
    with pytest.raises(ollama.ResponseError, match="nobody") as unknown:
        client.chat(model="nobody", messages=MESSAGES)
    assert unknown.value.status_code == 404


@each_vendor("embeddings")
def test_texts_become_vectors(client: Any, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("embeddings")
    upstream.plays(recorded)
    texts = [f"text {number}" for number in range(len(recorded.vectors))]
    made = client.embed(model=vendor.embedder, input=texts)
    assert made.embeddings == [pytest.approx(vector) for vector in recorded.vectors]


def test_the_models_of_all_vendors_are_listed(client: Any) -> None:
    listed = {model.model for model in client.list().models}
    assert {vendor.model for vendor in VENDORS.values()} <= listed
