"""OpenAI's SDK at `/v1/responses`: the Responses API by every vendor."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from openai import APIStatusError, OpenAI
from tests.clients.upstream import Upstream
from tests.clients.vendors import Vendor, each_vendor
from tests.clients.weather import PIXEL, QUESTION, RESULT, SCHEMA, City, holds
from tests.corpus import needs_corpus

pytestmark = needs_corpus


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as client:
        yield client


def tool(name: str) -> Any:
    return {"type": "function", "name": name, "parameters": SCHEMA, "strict": False}


@each_vendor("answer")
def test_a_response_is_answered(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.responses.create(model=vendor.model, input=QUESTION, store=False)
    assert (answer.status, answer.output_text) == ("completed", recorded.text)
    assert answer.usage is not None
    assert answer.usage.input_tokens > 0


@each_vendor("stream")
def test_a_response_is_streamed(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    with client.responses.stream(model=vendor.model, input=QUESTION, store=False) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        answer = stream.get_final_response()
    assert "".join(deltas) == answer.output_text == recorded.text


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: OpenAI, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    tools = [tool(name) for name, _ in recorded.calls]
    called = client.responses.create(model=vendor.model, input=QUESTION, tools=tools, store=False)
    (call,) = [item for item in called.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments))] == recorded.calls
    result = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
    turns: Any = [{"role": "user", "content": QUESTION}, *called.output, result]
    answer = client.responses.create(model=vendor.model, input=turns, tools=tools, store=False)
    assert answer.output_text == after.text
    assert holds(upstream.received[-1], RESULT, call.name)


@each_vendor("streamed_call")
def test_a_call_is_streamed(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("streamed_call")
    upstream.plays(recorded)
    tools = [tool(name) for name, _ in recorded.calls]
    with client.responses.stream(
        model=vendor.model, input=QUESTION, tools=tools, store=False
    ) as stream:
        answer = stream.get_final_response()
    calls = [item for item in answer.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == recorded.calls


@each_vendor("object")
def test_an_answer_is_parsed(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("object")
    upstream.plays(recorded)
    answer = client.responses.parse(
        model=vendor.model, input=QUESTION, text_format=City, store=False
    )
    assert answer.output_parsed == City.model_validate(recorded.object)


@each_vendor("answer")
def test_a_picture_is_sent(client: OpenAI, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}"}
    turns: Any = [{"role": "user", "content": [picture]}]
    client.responses.create(model=vendor.model, input=turns, store=False)
    assert holds(upstream.received[-1], PIXEL)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: OpenAI, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(APIStatusError) as refused:
        client.responses.create(model=vendor.model, input=QUESTION, store=False)
    assert refused.value.status_code == recorded.status
    assert recorded.message in refused.value.message
