"""No body, however odd, is met by a failure of the gateway's own."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.security.conftest import COMPLETION, config

from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply, run_gateway

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
)
ODD = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "text", "role", "content", "name", "id", "function", "image_url"]
            )
            | st.text(max_size=6),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
NAMES = [
    *("messages", "input", "prompt", "tools", "tool_choice", "stop", "stream", "stream_options"),
    *("max_tokens", "max_output_tokens", "n", "temperature", "metadata", "response_format", "text"),
    *(
        "reasoning",
        "reasoning_effort",
        "instructions",
        "encoding_format",
        "dimensions",
        "modalities",
    ),
    *(
        "functions",
        "function_call",
        "user",
        "seed",
        "audio",
        "previous_response_id",
        "conversation",
    ),
]
BODIES = st.dictionaries(st.sampled_from(NAMES), ODD, max_size=6)
TEXTS = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool"]), "content": ODD}),
    max_size=3,
)
PATHS = ("/v1/chat/completions", "/v1/responses", "/v1/completions", "/v1/embeddings", "/v1/x")
FUZZ = settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TRANSLATING = 'dialects = ["openai.chat"]\n[providers.demo]'


def is_explained(status: int, body: bytes) -> bool:
    """Not an answer of "the gateway failed", and an error that says something."""
    if status < 400:
        return True
    error = json.loads(body)["error"]
    return error.get("code") != "internal_error" and bool(error["message"])


async def try_all(client: GatewayClient, body: dict[str, Any]) -> None:
    for path in PATHS:
        answer = await client.post(path, json=body)
        read = await answer.read()
        assert is_explained(answer.status, read), (path, body, read)


@FUZZ
@given(body=BODIES, messages=TEXTS)
async def test_odd_bodies_that_pass_through(
    client: GatewayClient, body: dict[str, Any], messages: list[Any]
) -> None:
    await try_all(client, {"messages": messages, "input": messages, **body, "model": "openai/m"})


@pytest.fixture
async def translating(upstream: FakeUpstream) -> AsyncIterator[GatewayClient]:
    async with run_gateway(config(upstream, TRANSLATING)) as client:
        yield client


@FUZZ
@given(body=BODIES, messages=TEXTS, model=st.sampled_from(["openai/m", "demo/demo", "nobody/m"]))
async def test_odd_bodies_that_are_translated(
    translating: GatewayClient, body: dict[str, Any], messages: list[Any], model: str
) -> None:
    await try_all(translating, {"messages": messages, "input": messages, **body, "model": model})


@FUZZ
@given(
    body=BODIES | ODD,
    path=st.sampled_from([*PATHS, "/health", "/v1/models", "/jackfield/explain", "/x"]) | st.text(),
    model=st.sampled_from(["openai/m", "demo/demo", "nobody/m", ""]),
)
async def test_odd_requests_that_are_only_explained(
    translating: GatewayClient, body: Any, path: str, model: str
) -> None:
    inner = {**body, "model": model} if isinstance(body, dict) else body
    for description in ({"path": path, "body": inner}, inner, {"body": inner, "method": path}):
        answer = await translating.post("/jackfield/explain", json=description)
        read = await answer.read()
        assert is_explained(answer.status, read), (description, read)


@FUZZ
@given(value=ODD, status=st.sampled_from([200, 201, 204, 400, 404, 429, 500]))
async def test_odd_answers_of_a_provider(
    client: GatewayClient, upstream: FakeUpstream, value: Any, status: int
) -> None:
    for body in (value, {"error": value}, {"choices": value, "data": value, "output": value}):
        sent = b"" if status == 204 else json.dumps(body).encode()
        upstream.always(UpstreamReply(status, (sent,), framing="length"))
        await try_all(client, {"model": "openai/m", "messages": [], "input": "x", "prompt": "x"})
    upstream.always(UpstreamReply(200, (COMPLETION,), framing="length"))
