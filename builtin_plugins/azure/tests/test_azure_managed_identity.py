"""What runs the gateway gets tokens of its own, of the machine or of the app."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from jackfield.errors import ProviderError
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_azure.managed_identity import Issuer, ManagedIdentity

SCOPE = "https://cognitiveservices.azure.com/.default"
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}


def identity(status: int, body: bytes, received: list[tuple[str, bytes]]) -> ManagedIdentity:
    async def get(path: str, headers: bytes, sent: bytes) -> tuple[int, bytes]:
        received.append((path, headers))
        return status, body

    return ManagedIdentity("up", "own", SCOPE, Issuer.of({}), get)


async def test_a_machines_identity_is_requested() -> None:
    received: list[tuple[str, bytes]] = []
    ends = str(int(time.time()) + 3600)
    granted = {"access_token": "t1", "expires_in": "3599", "expires_on": ends}
    token = await identity(200, json.dumps(granted).encode(), received).fetch()
    assert token.text == "t1"
    assert 3500 < token.seconds <= 3600
    ((path, headers),) = received
    assert urlsplit(path).path == "/metadata/identity/oauth2/token"
    assert headers == b"Metadata: true\r\n"
    assert parse_qs(urlsplit(path).query) == {
        "api-version": ["2018-02-01"],
        "resource": ["https://cognitiveservices.azure.com"],
        "client_id": ["own"],
    }


@pytest.mark.parametrize(("status", "body"), [(400, b'{"error":"x"}'), (200, b"{}"), (404, b"")])
async def test_a_machine_without_an_identity_is_reported(status: int, body: bytes) -> None:
    with pytest.raises(ProviderError, match=f"Azure answered {status}"):
        await identity(status, body, []).fetch()


async def test_an_apps_identity_is_requested_at_the_address_in_its_environment(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeUpstream() as issuer:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{issuer.base_url}/msi/token")
        monkeypatch.setenv("IDENTITY_HEADER", "made-up-word")
        issuer.reply(json.dumps({"access_token": "of-the-app", "expires_on": "9e9"}).encode())
        upstream.reply(json.dumps(CHAT).encode())
        toml = f'[providers.up]\nuse = "azure"\nbase_url = "{upstream.base_url}"\n'
        async with run_gateway(toml + "auth = { managed_identity = true }\n") as gateway:
            body = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}
            assert (
                await gateway.post("/azure/openai/v1/chat/completions", json=body)
            ).status == 200
    assert issuer.requests[0].headers["x-identity-header"] == "made-up-word"
    assert "api-version=2019-08-01" in issuer.requests[0].path
    assert upstream.requests[0].headers["authorization"] == "Bearer of-the-app"
