"""Who the gateway is to Google Cloud, by each kind of credentials."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.compute_engine import _metadata

from jackfield.errors import ConfigError
from jackfield.testing import FakeUpstream, Gate, run_gateway

ANSWER = b'{"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]}'
HI = b'{"contents": [{"parts": [{"text": "hi"}]}]}'
PATH = "/vertex/v1/projects/theirs/locations/theirs/publishers/google/models/gemini-2.5-flash:generateContent"  # noqa: E501 - one address
GRANT = b'{"access_token": "tok-1", "expires_in": 3599, "token_type": "Bearer"}'


def table(upstream: FakeUpstream, *lines: str) -> str:
    head = ["[providers.vx]", 'use = "vertex"', f'base_url = "{upstream.base_url}"']
    return "\n".join(["[upstream]", "retries = 0", *head, *lines])


def key_file(folder: Path, token_uri: str, **members: Any) -> Path:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    info = {
        "type": "service_account",
        "project_id": "of-the-account",
        "client_email": "gateway@of-the-account.iam.gserviceaccount.com",
        "private_key": pem.decode(),
        "token_uri": token_uri,
        **members,
    }
    path = folder / "account.json"
    path.write_text(json.dumps(info))
    path.chmod(0o600)
    return path


async def test_a_service_account_gets_a_token_and_names_the_project(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    path = key_file(tmp_path, f"{upstream.base_url}/token")
    upstream.reply(GRANT)
    upstream.reply(ANSWER)
    upstream.reply(ANSWER)
    credentials = f'credentials = {{ service_account = "file:{path}" }}'
    async with run_gateway(table(upstream, 'location = "global"', credentials)) as gateway:
        for _ in range(2):
            answer = await gateway.post(PATH, body=HI)
            assert await answer.read() == ANSWER
    granted, *requests = upstream.requests
    assert granted.path == "/token"
    assert b"jwt-bearer" in granted.body
    assert [one.headers["authorization"] for one in requests] == ["Bearer tok-1"] * 2
    own = "/v1/projects/of-the-account/locations/global/publishers/google/models/"
    assert requests[0].path == own + "gemini-2.5-flash:generateContent"


async def test_the_machines_own_account_comes_from_the_metadata_server(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = upstream.base_url.removeprefix("http://")
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", host)
    media = {"Content-Type": "application/json", "Metadata-Flavor": "Google"}
    info = {"aliases": ["default"], "email": "machine@p", "scopes": ["s"]}
    upstream.reply(json.dumps(info).encode(), headers=media)
    upstream.reply(GRANT, headers=media)
    upstream.reply(ANSWER)
    lines = ('project = "p"', 'location = "us-central1"', "credentials = { metadata = true }")
    async with run_gateway(table(upstream, *lines)) as gateway:
        answer = await gateway.post(PATH, body=HI)
        assert answer.status == 200
    assert upstream.requests[1].path.startswith("/computeMetadata/v1/instance/service-accounts/")
    assert upstream.requests[2].headers["authorization"] == "Bearer tok-1"


async def test_the_default_credentials_are_found_where_google_looks(
    upstream: FakeUpstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = key_file(tmp_path, f"{upstream.base_url}/token")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    upstream.reply(GRANT)
    upstream.reply(ANSWER)
    async with run_gateway(table(upstream, 'location = "global"')) as gateway:
        assert (await gateway.post(PATH, body=HI)).status == 200
    assert "/projects/of-the-account/" in upstream.requests[-1].path


async def test_a_refused_account_is_the_providers_failure(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    path = key_file(tmp_path, f"{upstream.base_url}/token")
    upstream.reply(b'{"error": "invalid_grant"}', 400)
    credentials = f'credentials = {{ service_account = "file:{path}" }}'
    async with run_gateway(table(upstream, 'location = "global"', credentials)) as gateway:
        answer = await gateway.post(PATH, body=HI)
        failure = (await answer.json())["error"]
    assert answer.status == 502
    assert "credentials" in failure["message"]


async def test_a_token_that_an_error_repeats_is_not_shown(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    path = key_file(tmp_path, f"{upstream.base_url}/token")
    upstream.reply(GRANT.replace(b"tok-1", b"ya29.made-up-token"))
    failure = {"code": 400, "message": "ya29.made-up-token is odd", "status": "INVALID_ARGUMENT"}
    upstream.reply(json.dumps({"error": failure}).encode(), 400)
    credentials = f'credentials = {{ service_account = "file:{path}" }}'
    async with run_gateway(table(upstream, 'location = "global"', credentials)) as gateway:
        answer = await gateway.post(PATH, body=HI)
        failure = (await answer.json())["error"]
    assert (answer.status, failure["message"]) == (400, "*** is odd")


async def test_a_token_that_does_not_come_holds_nobody_up_at_the_end(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    path = key_file(tmp_path, f"{upstream.base_url}/token")
    gate = Gate()
    upstream.reply(GRANT, gate=gate)
    credentials = f'credentials = {{ service_account = "file:{path}" }}'
    async with run_gateway(table(upstream, 'location = "global"', credentials)) as gateway:
        asking = asyncio.create_task(gateway.post(PATH, body=HI))
        await gate.reached()
        asking.cancel()
    assert [one.path for one in upstream.requests] == ["/token"]


async def test_an_api_key_is_express_mode(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VERTEX_KEY", "express-key-1")
    upstream.reply(ANSWER)
    async with run_gateway(table(upstream, 'keys = ["env:VERTEX_KEY"]')) as gateway:
        await gateway.post(PATH, body=HI)
    request = upstream.requests[-1]
    assert request.path == "/v1/publishers/google/models/gemini-2.5-flash:generateContent"
    assert request.headers["x-goog-api-key"] == "express-key-1"
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (['project = "p"', 'credentials = { bearer = "env:VERTEX_TOKEN" }'], "needs `location`"),
        (['location = "global"', 'credentials = { bearer = "env:VERTEX_TOKEN" }'], "`project`"),
        (
            ['location = "global"', 'credentials = { bearer = "env:T", metadata = true }'],
            "name one of",
        ),
        (
            [
                'location = "global"',
                'keys = ["env:VERTEX_TOKEN"]',
                "credentials = { metadata = true }",
            ],
            "express",
        ),
    ],
)
async def test_an_incomplete_configuration_is_reported_at_the_start(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, lines: list[str], problem: str
) -> None:
    monkeypatch.setenv("VERTEX_TOKEN", "token-of-others-1")
    with pytest.raises(ConfigError, match=problem):
        async with run_gateway(table(upstream, *lines)):
            pass


async def test_a_file_that_is_no_key_is_reported_at_the_start(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    path = key_file(tmp_path, "https://oauth2.example/token", private_key="none")
    credentials = f'credentials = {{ service_account = "file:{path}" }}'
    with pytest.raises(ConfigError, match="is not the key file"):
        async with run_gateway(table(upstream, 'location = "global"', credentials)):
            pass


async def test_a_token_that_has_only_just_come_is_not_renewed_when_it_is_refused(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    path = key_file(tmp_path, f"{upstream.base_url}/token")
    upstream.reply(GRANT)
    upstream.reply(b'{"error": {"code": 401, "message": "no", "status": "UNAUTHENTICATED"}}', 401)
    credentials = f'credentials = {{ service_account = "file:{path}" }}'
    async with run_gateway(table(upstream, 'location = "global"', credentials)) as gateway:
        assert (await gateway.post(PATH, body=HI)).status == 502
    assert len(upstream.requests) == 2
