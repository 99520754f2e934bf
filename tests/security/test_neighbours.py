"""What one caller can bring about, and that no other one is the worse for it."""

import json
from pathlib import Path

import pytest
from tests.security.conftest import COMPLETION

from jackfield.testing import FakeUpstream
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway

ABOUT_THE_MODEL = [
    {"message": "This is a chat model and not supported in the v1/completions endpoint."},
    {"message": "The model `m/path` does not exist", "code": None},
    {"message": "Unknown path", "param": "model"},
    {"message": "There is no route.", "code": "model_not_found"},
]
CHAT = {"model": "openai/m", "messages": [{"role": "user", "content": "Hi"}]}


def provider(upstream: FakeUpstream, more: str = "") -> str:
    table = f'[providers.openai]\nbase_url = "{upstream.base_url}/v1"\n{more}\n'
    return f"[upstream]\nretries = 0\n{table}"


@pytest.mark.parametrize("error", ABOUT_THE_MODEL, ids=lambda error: error["message"][:12])
@pytest.mark.parametrize("path", ["/v1/completions", "/v1/responses"])
async def test_a_model_that_is_not_served_at_a_path_leaves_the_path_to_others(
    gateway: ObservedGateway, upstream: FakeUpstream, path: str, error: dict[str, str | None]
) -> None:
    fields = {"prompt": "x", "input": "x"}
    upstream.reply(json.dumps({"error": error}).encode(), 404)
    refused = await client_of(gateway).post(path, json={"model": "openai/a", **fields})
    upstream.reply(COMPLETION)
    await client_of(gateway).post(path, json={"model": "openai/b", **fields})
    assert refused.status == 404
    assert [request.path for request in upstream.requests][-1] == path


async def test_a_request_that_every_key_is_refused_for_leaves_the_keys_to_others(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "AB":
        monkeypatch.setenv(f"KEY_{name}", f"acme-{name}f3Qw9ZtLm2XcV5bN8rKpD")
        upstream.reply(b'{"error":{"message":"Your input was flagged."}}', 403)
    upstream.reply(COMPLETION)
    gateway = observed_gateway(provider(upstream, 'keys = ["env:KEY_A", "env:KEY_B"]'))
    async with gateway:
        flagged, next_one = [
            await client_of(gateway).post("/v1/chat/completions", json=CHAT) for _ in "AB"
        ]
    assert (flagged.status, next_one.status) == (502, 200)


async def test_words_of_a_caller_do_not_end_the_question_for_usage(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    toml = f"[server]\nstate_dir = {str(tmp_path)!r}\n[plugins.usage]\n{provider(upstream)}"
    repeated = b'{"detail": [{"type": "missing", "input": "stream_options"}]}'
    gateway = observed_gateway(toml)
    async with gateway:
        for refusal in (repeated, repeated, b"{}"):
            upstream.reply(refusal, 422)
        for _ in "AB":
            await client_of(gateway).post("/v1/chat/completions", json={**CHAT, "stream": True})
    assert b"include_usage" in upstream.requests[-1].body


async def test_a_client_cannot_put_its_own_header_beside_a_configured_one(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(b"{}")
    fixed = 'headers = { "OpenAI-Project" = "proj_configured" }'
    gateway = observed_gateway(provider(upstream, fixed))
    async with gateway:
        own = {"openai-project": "proj_client"}
        await client_of(gateway).post("/v1/moderations", json={"input": "x"}, headers=own)
    assert upstream.requests[0].headers.getall("OpenAI-Project") == ["proj_configured"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("GET", "/v1/files/file-1/content", 200),
        ("DELETE", "/v1/files/file-1", 200),
        ("GET", "/health", 200),
        ("GET", "/v1/chat/../files", 404),
    ],
)
async def test_no_cache_on_the_way_keeps_an_answer(
    gateway: ObservedGateway, upstream: FakeUpstream, method: str, path: str, status: int
) -> None:
    upstream.reply(b'{"data": []}', headers={"Cache-Control": "public, max-age=600", "Age": "1"})
    answer = await client_of(gateway).send(method, path)
    assert answer.status == status
    assert answer.headers["cache-control"] == "no-store"
    assert "age" not in answer.headers
