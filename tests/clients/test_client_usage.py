"""The usage that the official SDKs receive, and the usage that is recorded."""

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from anthropic import Anthropic
from openai import OpenAI
from tests.clients.gateway import serving

CONFIG: Final = """
[server]
bind = "127.0.0.1:0"
admin = ""
front_doors = ["openai", "anthropic"]
[providers.demo]
[plugins.usage]
[prices."demo/*"]
input = 3
output = 15
"""
MESSAGES: Final[Any] = [{"role": "user", "content": "Count the words of this sentence."}]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("usage"), CONFIG) as url:
        yield url


@pytest.fixture
def openai(gateway: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as client:
        yield client


def record_of(gateway: str, request_id: str | None) -> dict[str, Any]:
    """The record of one request, which every SDK tells the id of."""
    found = httpx.get(f"{gateway}/jackfield/usage/records", params={"limit": 1000}).json()
    (record,) = [one for one in found["data"] if one["id"] == request_id]
    return dict(record)


def test_openai_receives_the_usage_that_is_recorded(openai: OpenAI, gateway: str) -> None:
    answer = openai.chat.completions.create(model="demo/chat", messages=MESSAGES)
    record = record_of(gateway, answer._request_id)
    assert answer.usage is not None
    given, made = answer.usage.prompt_tokens, answer.usage.completion_tokens
    assert record["tokens"] == {"input_tokens": given, "output_tokens": made}
    assert record["cost"] == given * 3_000 + made * 15_000


def test_openai_receives_the_cost_where_it_asks_for_it(openai: OpenAI, gateway: str) -> None:
    wanted = {"x-jackfield-want": "cost"}
    raw = openai.chat.completions.with_raw_response
    answer = raw.create(model="demo/chat", messages=MESSAGES, extra_headers=wanted)
    record = record_of(gateway, answer.request_id)
    assert answer.headers["x-jackfield-cost"] == record["cost_dollars"]


def test_a_stream_of_openai_is_recorded_without_a_word_to_the_client(
    openai: OpenAI, gateway: str
) -> None:
    with openai.chat.completions.create(
        model="demo/chat", messages=MESSAGES, stream=True
    ) as stream:
        request_id = stream.response.headers["x-request-id"]
        assert all(chunk.usage is None for chunk in stream)
    record = record_of(gateway, request_id)
    assert (record["basis"], record["stream"]) == ("reported", True)
    assert record["cost"] > 0


def test_a_stream_of_anthropic_reports_the_usage_that_is_recorded(gateway: str) -> None:
    with Anthropic(base_url=f"{gateway}/anthropic", api_key="any", max_retries=0) as client:
        request: Any = {"model": "demo/chat", "max_tokens": 50, "messages": MESSAGES}
        with client.messages.stream(**request) as stream:
            answer = stream.get_final_message()
            request_id = stream.response.headers["x-request-id"]
    record = record_of(gateway, request_id)
    assert record["tokens"]["output_tokens"] == answer.usage.output_tokens
    assert record["tokens"]["input_tokens"] == answer.usage.input_tokens
