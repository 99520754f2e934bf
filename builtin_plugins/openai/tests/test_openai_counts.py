"""Counts of tokens that are no whole numbers, and what is charged for them."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.dialects import installed
from jackfield.testing import FakeUpstream, UpstreamReply, run_gateway
from jackfield_openai import resource

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
CHAT = {"model": "up/m", "messages": [{"role": "user", "content": "x"}], "stream": False}
REQUESTS = {
    "/v1/chat/completions": CHAT | {"max_tokens": 700},
    "/ollama/api/chat": CHAT | {"options": {"num_predict": 700}},
}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.mark.parametrize("count", [-1, "12", True, {}])
def test_wrong_counts_of_searches_and_seconds_are_negative(count: Any) -> None:
    searched = {"usage": {}, "output": [], "tool_usage": {"web_search": {"num_requests": count}}}
    found = installed("openai.responses").usage(msgspec.json.encode(searched))
    transcribed = resource.resource_usage({"input_tokens": 5, "seconds": count or "none"})
    assert found is not None
    assert transcribed is not None
    assert min(found.units.values()) < 0
    assert min(transcribed.units.values()) < 0


async def charged(upstream: FakeUpstream, count: Any, path: str) -> tuple[Any, str, Any]:
    """The answer and losses where a provider counts its prompt so, and the record of its charge."""
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
        answer = await gateway.post(path, json=REQUESTS[path])
        tree, lost = await answer.json(), answer.headers.get("x-jackfield-loss", "")
        found = await (await gateway.admin.get("/jackfield/usage/records")).json()
    return tree, lost, found["data"][0]


@pytest.mark.parametrize("count", ODD)
@pytest.mark.parametrize("path", REQUESTS)
async def test_the_upper_bound_is_charged_where_a_count_is_unreadable(
    upstream: FakeUpstream, path: str, count: Any
) -> None:
    answer, lost, record = await charged(upstream, count, path)
    assert record["basis"] == "estimated"
    assert record["cost"] > 700 * 10_000
    if path == "/ollama/api/chat":
        assert "prompt_eval_count" not in answer
        assert lost == "usage"
    else:
        assert answer["usage"]["prompt_tokens"] == count


async def test_a_whole_float_is_charged_as_reported(upstream: FakeUpstream) -> None:
    _, _, record = await charged(upstream, 12.0, "/ollama/api/chat")
    assert (record["basis"], record["cost"]) == ("reported", 12 * 1_000 + 5 * 10_000)


async def test_no_stream_reports_a_count_that_cannot_be_true(upstream: FakeUpstream) -> None:
    chunk = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choice = {"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": -1, "completion_tokens": 5, "total_tokens": 4}
    parts = [chunk | {"choices": [choice]}, chunk | {"choices": [], "usage": usage}]
    events = (*(sse.encode(msgspec.json.encode(part)) for part in parts), b"data: [DONE]\n\n")
    upstream.always(UpstreamReply(200, events, {"content-type": "text/event-stream"}))
    async with run_gateway(CONFIG % upstream.base_url) as gateway:
        request = REQUESTS["/ollama/api/chat"] | {"stream": True}
        data = await (await gateway.post("/ollama/api/chat", json=request)).read()
        found = await (await gateway.admin.get("/jackfield/usage/records")).json()
    assert b'"content":"Hi"' in data
    assert b"prompt_eval_count" not in data
    assert found["data"][0]["basis"] == "estimated"
