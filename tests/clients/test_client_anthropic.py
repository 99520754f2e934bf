"""Anthropic's SDK at `/anthropic`: messages by every vendor."""

from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic, APIStatusError, NotFoundError, RateLimitError
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS, Vendor, each_vendor
from tests.clients.weather import PIXEL, QUESTION, REFUSED, RESULT, SCHEMA, City, holds
from tests.corpus import needs_corpus

pytestmark = needs_corpus
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
SOURCE = {"type": "base64", "media_type": "image/png", "data": PIXEL}


@pytest.fixture(scope="module")
def client(gateway: str) -> Iterator[Anthropic]:
    with Anthropic(base_url=f"{gateway}/anthropic", api_key="any", max_retries=0) as client:
        yield client


def tool(name: str) -> Any:
    return {"name": name, "input_schema": SCHEMA}


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def calls_of(message: Any) -> list[tuple[str, Any]]:
    return [(block.name, block.input) for block in message.content if block.type == "tool_use"]


@each_vendor("answer")
def test_a_message_is_answered(client: Anthropic, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("answer")
    upstream.plays(recorded)
    answer = client.messages.create(model=vendor.model, max_tokens=512, messages=MESSAGES)
    assert (text_of(answer), answer.stop_reason) == (recorded.text, "end_turn")
    assert answer.usage.input_tokens + (answer.usage.cache_read_input_tokens or 0) > 0


@each_vendor("stream")
def test_a_message_is_streamed(client: Anthropic, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("stream")
    upstream.plays(recorded)
    with client.messages.stream(model=vendor.model, max_tokens=512, messages=MESSAGES) as stream:
        answer = stream.get_final_message()
    assert (text_of(answer), answer.stop_reason) == (recorded.text, "end_turn")


@each_vendor("call", "answer")
def test_a_tool_is_called_and_its_result_goes_back(
    client: Anthropic, upstream: Upstream, vendor: Vendor
) -> None:
    recorded, after = vendor.recorded("call"), vendor.recorded("answer")
    upstream.plays(recorded, after)
    tools = [tool(name) for name, _ in recorded.calls]
    called = client.messages.create(
        model=vendor.model, max_tokens=512, messages=MESSAGES, tools=tools
    )
    assert (calls_of(called), called.stop_reason) == (recorded.calls, "tool_use")
    (use,) = [block for block in called.content if block.type == "tool_use"]
    result = {"type": "tool_result", "tool_use_id": use.id, "content": RESULT}
    turns: Any = [
        *MESSAGES,
        {"role": "assistant", "content": called.content},
        {"role": "user", "content": [result]},
    ]
    answer = client.messages.create(model=vendor.model, max_tokens=512, messages=turns, tools=tools)
    assert text_of(answer) == after.text
    assert holds(upstream.received[-1], RESULT, use.name)


@each_vendor("streamed_call")
def test_a_call_is_streamed(client: Anthropic, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("streamed_call")
    upstream.plays(recorded)
    tools = [tool(name) for name, _ in recorded.calls]
    with client.messages.stream(
        model=vendor.model, max_tokens=512, messages=MESSAGES, tools=tools
    ) as stream:
        assert calls_of(stream.get_final_message()) == recorded.calls


@each_vendor("object")
def test_an_answer_is_parsed(client: Anthropic, upstream: Upstream, vendor: Vendor) -> None:
    recorded = vendor.recorded("object")
    upstream.plays(recorded)
    answer = client.messages.parse(
        model=vendor.model, max_tokens=512, messages=MESSAGES, output_format=City
    )
    assert answer.parsed_output == City.model_validate(recorded.object)


@each_vendor("answer")
def test_a_picture_is_sent(client: Anthropic, upstream: Upstream, vendor: Vendor) -> None:
    upstream.plays(vendor.recorded("answer"))
    messages: Any = [{"role": "user", "content": [{"type": "image", "source": SOURCE}]}]
    client.messages.create(model=vendor.model, max_tokens=512, messages=messages)
    assert holds(upstream.received[-1], PIXEL)


@each_vendor("error")
def test_a_refusal_keeps_its_status_and_its_words(
    client: Anthropic, upstream: Upstream, vendor: Vendor
) -> None:
    recorded = vendor.recorded("error")
    upstream.plays(recorded)
    with pytest.raises(APIStatusError) as refused:
        client.messages.create(model=vendor.model, max_tokens=512, messages=MESSAGES)
    assert refused.value.status_code == recorded.status
    assert recorded.message in refused.value.message


@each_vendor("answer")
def test_a_limit_says_when_to_come_again(
    client: Anthropic, upstream: Upstream, vendor: Vendor
) -> None:
    upstream.fails(429, REFUSED, retry_after="7")
    with pytest.raises(RateLimitError) as limited:
        client.messages.create(model=vendor.model, max_tokens=512, messages=MESSAGES)
    assert limited.value.response.headers["retry-after"] == "7"


def test_an_unknown_model_is_not_found(client: Anthropic) -> None:
    with pytest.raises(NotFoundError, match="nobody"):
        client.messages.create(model="nobody", max_tokens=512, messages=MESSAGES)


def test_the_models_of_all_vendors_are_listed(client: Anthropic) -> None:
    listed = {model.id for model in client.models.list()}
    assert {vendor.model for vendor in VENDORS.values()} <= listed
