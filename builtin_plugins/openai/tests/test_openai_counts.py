"""Counts of tokens that are no whole numbers, and what is charged for them."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from jackfield.dialects import installed
from jackfield.messages import Usage
from jackfield.testing import FakeUpstream, UpstreamReply, run_gateway
from jackfield_openai import realtime, resource, responses_usage, usage

ODD: list[Any] = [-1, "12", True, False, {}, [1], 12.5, 1 << 53, 1e308]
CONFIG = """
[server]
front_doors = ["openai", "ollama"]
[plugins.usage]
[prices."up/*"]
input = 1
output = 10
[providers.up]
use = "openai"
base_url = "%s/v1"
"""
TALK = {"model": "up/m", "messages": [{"role": "user", "content": "x"}], "stream": False}
ASKS = {
    "/v1/chat/completions": TALK | {"max_tokens": 700},
    "/ollama/api/chat": TALK | {"options": {"num_predict": 700}},
}
READERS = {
    "chat": (usage.read_usage, "prompt_tokens", "completion_tokens"),
    "responses": (responses_usage.read_usage, "input_tokens", "output_tokens"),
    "resource": (resource.resource_usage, "input_tokens", "output_tokens"),
    "realtime": (realtime.read_usage, "input_tokens", "output_tokens"),
}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def used(form: str, count: Any) -> Usage:
    read, given, made = READERS[form]
    found = read({given: count, made: 5, "total_tokens": 17})
    assert found is not None
    return found


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("count", ODD)
def test_an_unreadable_count_cannot_be_taken_for_a_small_one(form: str, count: Any) -> None:
    assert used(form, count).input_tokens < 0


@pytest.mark.parametrize("form", READERS)
def test_a_count_may_be_a_whole_float_or_missing(form: str) -> None:
    assert used(form, 12.0).input_tokens == 12
    assert used(form, None).input_tokens == 0


@pytest.mark.parametrize("count", [-1, "12", True, {}])
def test_so_it_is_with_searches_and_seconds(count: Any) -> None:
    searched = {"usage": {}, "output": [], "tool_usage": {"web_search": {"num_requests": count}}}
    found = installed("openai.responses").usage(msgspec.json.encode(searched))
    heard = resource.resource_usage({"input_tokens": 5, "seconds": count or "none"})
    assert found is not None
    assert heard is not None
    assert min(found.units.values()) < 0
    assert min(heard.units.values()) < 0


async def charged(upstream: FakeUpstream, count: Any, path: str) -> tuple[Any, Any]:
    """The answer of a provider that counts its prompt so, and the record of its charge."""
    counts = {"prompt_tokens": count, "completion_tokens": 5, "total_tokens": 17}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": "Hi"},
        "finish_reason": "stop",
    }
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "m"}
    wire = msgspec.json.encode(body | {"choices": [choice], "usage": counts})
    upstream.always(UpstreamReply(200, (wire,)))
    async with run_gateway(CONFIG % upstream.base_url) as gateway:
        answer = await (await gateway.post(path, json=ASKS[path])).json()
        found = await (await gateway.admin.get("/jackfield/usage/records")).json()
    return answer, found["data"][0]


@pytest.mark.parametrize("count", ODD)
@pytest.mark.parametrize("path", ASKS)
async def test_the_upper_bound_is_charged_where_a_count_is_unreadable(
    upstream: FakeUpstream, path: str, count: Any
) -> None:
    answer, record = await charged(upstream, count, path)
    assert record["basis"] == "estimated"
    assert record["cost"] > 700 * 10_000
    if path == "/ollama/api/chat":
        assert answer["prompt_eval_count"] == 0
    else:
        assert answer["usage"]["prompt_tokens"] == count


async def test_a_whole_float_is_charged_as_reported(upstream: FakeUpstream) -> None:
    _, record = await charged(upstream, 12.0, "/ollama/api/chat")
    assert (record["basis"], record["cost"]) == ("reported", 12 * 1_000 + 5 * 10_000)
