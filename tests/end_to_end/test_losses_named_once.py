"""A loss has one name in one place, however many of the gateway's rooms know of it."""

from importlib.metadata import entry_points
from typing import Any

import msgspec
import pytest

from jackfield._fetching import Fetcher
from jackfield._media import Media
from jackfield._provider_request import RequestWriter
from jackfield.dialects import GROUP, Dialect, installed
from jackfield.endpoints import Endpoint
from jackfield.exchange import Exchange, Request
from jackfield.settings import Upstream
from jackfield.testing import FakeUpstream, run_gateway

CHATS = [
    dialect
    for point in entry_points(group=GROUP)
    if (dialect := installed(point.name)).translates and dialect.canonical == "chat"
]
ANTHROPIC = installed("anthropic.messages")
ADDRESS = "https://example.com/a"
TWICE = (
    *({"type": "image", "source": {"type": "url", "url": f"{ADDRESS}{i}.png"}} for i in "12"),
    *({"type": "image", "source": {"type": "file", "file_id": f"file_{i}"}} for i in "12"),
    *({"type": "document", "source": {"type": "url", "url": f"{ADDRESS}{i}.pdf"}} for i in "12"),
    *({"type": "document", "source": {"type": "file", "file_id": f"file_{i}"}} for i in "12"),
    *({"type": "video", "x": i} for i in "12"),
)
CALLS = [{"type": "tool_use", "id": f"c{i}", "name": "f", "input": {}} for i in "12"]
RESULTS = [
    {"type": "tool_result", "tool_use_id": f"c{i}", "is_error": True, "content": TWICE}
    for i in "12"
]
ANSWERED = [
    *({"type": "thinking", "thinking": f"Hm {i}", "signature": "c2ln"} for i in "12"),
    *({"type": "search", "x": i} for i in "12"),
]
BODY: dict[str, Any] = {
    "model": "up/m",
    "max_tokens": 9,
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hi"}, *TWICE]},
        {"role": "assistant", "content": [*ANSWERED, *CALLS]},
        {"role": "user", "content": RESULTS},
    ],
    "tools": [{"name": "f", "input_schema": {}}, {"type": "web_search", "name": "w"}],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "output_config": {"format": {"type": "json_schema", "schema": {"minProperties": 1}}},
    "metadata": {"user_id": "u" * 100, "other": 1},
    "temperature": 1.5,
    "top_k": 3,
    "service_tier": "odd",
    "speed": "fast",
}


def closed(url: str) -> Any:
    raise AssertionError(f"{url} is fetched")


@pytest.mark.parametrize("dialect", CHATS, ids=lambda dialect: dialect.name)
def test_no_loss_is_named_twice(dialect: Dialect) -> None:
    endpoint = Endpoint("POST", "/v1/messages", ANTHROPIC, "chat", "inference")
    body = msgspec.json.encode(BODY)
    request = Request("POST", "/v1/messages", "", {}, body, {}, "")
    exchange = Exchange("1", endpoint, ANTHROPIC, request, "m", stream=False)
    writer = RequestWriter(media=Media(Fetcher(Upstream(), closed)))
    losses = writer.write(exchange, "gpt-3.5-turbo", dialect).losses
    named = [(loss.feature, loss.path) for loss in losses]
    assert sorted(set(named)) == sorted(named)
    assert ("reasoning", "reasoning") in named  # which the model is known not to have


async def test_an_address_is_refused_with_its_remedy_alone() -> None:
    url = {"type": "image_url", "image_url": {"url": f"{ADDRESS}.png"}}
    body = {"model": "up/m", "messages": [{"role": "user", "content": [url, url]}]}
    async with FakeUpstream() as upstream:
        table = f'[providers.up]\nuse = "ollama"\nbase_url = "{upstream.base_url}"'
        async with run_gateway(f'{table}\ndialects = ["ollama.chat"]') as gateway:
            answer = await gateway.post("/v1/chat/completions", json=body)
            message = (await answer.json())["error"]["message"]
        assert not upstream.requests
    assert message.count("images.url") == 1
    assert "upstream.fetch_urls" in message
