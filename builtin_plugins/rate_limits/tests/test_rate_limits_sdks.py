"""What the SDKs of vendors raise at a rate limit, each in its own words."""

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

[plugins.rate_limits.limits]
all = { requests = 0 }
"""
HELLO: Any = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("rates"), TOML) as address:
        yield address


def test_openai_s_sdk_raises_its_rate_limit_error(url: str) -> None:
    openai = importlib.import_module("openai")
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0)
    with client, pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="demo/echo", messages=HELLO)
    error = caught.value
    assert error.code == "rate_limited"
    assert "'all' of 0 requests per 1m" in error.message
    assert error.response.headers["x-ratelimit-limit-requests"] == "0"


def test_anthropic_s_sdk_raises_its_rate_limit_error(url: str) -> None:
    anthropic = importlib.import_module("anthropic")
    client = anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="any", max_retries=0)
    with client, pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(model="demo/echo", max_tokens=99, messages=HELLO)
    error = caught.value
    assert "'all' of 0 requests per 1m" in str(error)
    assert error.response.headers["anthropic-ratelimit-requests-limit"] == "0"
