"""What the SDKs of vendors raise at the end of a budget, each in its own words."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from tests.clients.gateway import serving

pytestmark = [pytest.mark.timeout(120), pytest.mark.filterwarnings("default")]

TOML = """
[server]
bind = "127.0.0.1:0"
admin = ""
front_doors = ["openai", "anthropic"]

[providers.demo]

[prices."demo/*"]
input = 1.0
output = 2.0

[plugins.budgets.limits.month]
limit = "0.00"
"""
HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("budgets"), TOML) as address:
        yield address


def test_openai_s_sdk_raises_its_rate_limit_error_and_does_not_try_again(url: str) -> None:
    openai = importlib.import_module("openai")
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=2)
    with client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="demo/echo", messages=HELLO)
    error = caught.value
    assert error.code == "budget_exceeded"
    assert "'month' of 0.00 dollars per month" in error.message
    assert error.response.request.headers["x-stainless-retry-count"] == "0"


def test_anthropic_s_sdk_raises_its_rate_limit_error_and_does_not_try_again(url: str) -> None:
    anthropic = importlib.import_module("anthropic")
    client = anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="any", max_retries=2)
    with client, pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(model="demo/echo", max_tokens=99, messages=HELLO)
    error = caught.value
    assert "'month' of 0.00 dollars per month" in str(error)
    assert error.response.request.headers["x-stainless-retry-count"] == "0"
