"""The provider behind a real HTTP upstream: what it sends, and what it makes of the answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from jackfield.errors import ConfigError
from jackfield.testing import FakeUpstream, run_gateway

CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
HI = {"messages": [{"role": "user", "content": "Hello"}]}
FILTERED = {
    "error": {
        "message": "The response was filtered",
        "type": None,
        "param": "prompt",
        "code": "content_filter",
        "status": 400,
        "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}},
    }
}


def table(upstream: FakeUpstream, more: str = "") -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "azure"
base_url = "{upstream.base_url}"
{more}
"""


def answer_json(upstream: FakeUpstream, value: Any, status: int = 200) -> None:
    upstream.reply(json.dumps(value).encode(), status)


async def forwarded(upstream: FakeUpstream, more: str, path: str, body: Any) -> tuple[str, Any]:
    """Where a request of a client went, and with which body."""
    answer_json(upstream, CHAT)
    async with run_gateway(table(upstream, more)) as gateway:
        answer = await gateway.post(path, json=body)
        assert answer.status == 200, await answer.read()
    return upstream.requests[-1].path, json.loads(upstream.requests[-1].body)


V1, DATED, FOUNDRY = "", 'api_version = "2024-10-21"', 'api = "foundry"'
AT_V1 = "/openai/v1/chat/completions"
AT_DEPLOYMENT = "/openai/deployments/m/chat/completions?api-version="
AT_FOUNDRY = "/models/chat/completions?api-version="
FROM_DEPLOYMENT = "/azure/openai/deployments/up/m/chat/completions?api-version=2025-01-01"
FROM_FOUNDRY = "/azure/models/chat/completions?api-version=2024-08-01"


@pytest.mark.parametrize(
    ("more", "door", "wanted"),
    [
        (V1, "/v1/chat/completions", AT_V1),
        (V1, "/azure/openai/v1/chat/completions", AT_V1),
        (V1, FROM_DEPLOYMENT, AT_V1),
        (V1, FROM_FOUNDRY, AT_V1),
        (DATED, "/v1/chat/completions", f"{AT_DEPLOYMENT}2024-10-21"),
        (DATED, FROM_DEPLOYMENT, f"{AT_DEPLOYMENT}2025-01-01"),
        (DATED, FROM_FOUNDRY, f"{AT_DEPLOYMENT}2024-10-21"),
        (FOUNDRY, "/v1/chat/completions", f"{AT_FOUNDRY}2024-05-01-preview"),
        (FOUNDRY, FROM_DEPLOYMENT, f"{AT_FOUNDRY}2024-05-01-preview"),
        (FOUNDRY, FROM_FOUNDRY, f"{AT_FOUNDRY}2024-08-01"),
    ],
)
async def test_every_door_leads_to_every_form(
    upstream: FakeUpstream, more: str, door: str, wanted: str
) -> None:
    path, body = await forwarded(upstream, more, door, HI | {"model": "up/m"})
    assert path == wanted
    assert body == HI | {"model": "m"}


async def test_the_path_names_the_model_whatever_the_body_says(upstream: FakeUpstream) -> None:
    payload = HI | {"model": "gpt-4o"}
    path, body = await forwarded(upstream, DATED, FROM_DEPLOYMENT, payload)
    assert (path, body) == (f"{AT_DEPLOYMENT}2025-01-01", HI | {"model": "m"})
    path, body = await forwarded(upstream, DATED, FROM_DEPLOYMENT, HI)
    assert (path, body) == (f"{AT_DEPLOYMENT}2025-01-01", HI)


@pytest.mark.parametrize("more", [V1, FOUNDRY])
@pytest.mark.parametrize("payload", [HI, HI | {"model": "gpt-4o"}])
async def test_a_body_names_the_model_where_the_path_of_the_resource_does_not(
    upstream: FakeUpstream, more: str, payload: Any
) -> None:
    _, body = await forwarded(upstream, more, FROM_DEPLOYMENT, payload)
    assert body == HI | {"model": "m"}


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        (V1, ("/openai/v1/images/generations", {"prompt": "A cat", "model": "m"})),
        (DATED, ("/openai/deployments/m/images/generations?api-version=1", {"prompt": "A cat"})),
    ],
)
async def test_a_picture_is_requested_of_the_deployment_in_the_path(
    upstream: FakeUpstream, more: str, wanted: Any
) -> None:
    path = "/azure/openai/deployments/up/m/images/generations?api-version=1"
    assert await forwarded(upstream, more, path, {"prompt": "A cat"}) == wanted


async def test_a_form_need_not_repeat_the_deployment_in_the_path(upstream: FakeUpstream) -> None:
    form = b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\nRIFF\r\n--b--\r\n'
    media = {"content-type": "multipart/form-data; boundary=b"}
    path = "/azure/openai/deployments/up/m/audio/transcriptions?api-version=1"
    answer_json(upstream, {"text": "Hi"})
    async with run_gateway(table(upstream, DATED)) as gateway:
        assert (await gateway.post(path, body=form, headers=media)).status == 200
    got = upstream.requests[0]
    assert got.path == "/openai/deployments/m/audio/transcriptions?api-version=1"
    assert got.body == form


@pytest.mark.parametrize("named", ["azure.chat", "openai.chat"])
@pytest.mark.parametrize("door", ["/v1/chat/completions", FROM_DEPLOYMENT])
async def test_a_dialect_is_sent_with_the_model_in_the_path_and_in_the_body(
    upstream: FakeUpstream, named: str, door: str
) -> None:
    payload = HI | {"model": "up/m", "unknown": 1}
    _, body = await forwarded(upstream, f'dialects = ["{named}"]', door, payload)
    assert body == payload | {"model": "m"}


@pytest.mark.parametrize("more", [V1, DATED])
async def test_a_model_goes_by_the_name_of_its_deployment(
    upstream: FakeUpstream, more: str
) -> None:
    named = f'{more}\ndeployments = {{ "gpt-4o" = "prod/4o" }}'
    path, body = await forwarded(upstream, named, "/v1/chat/completions", HI | {"model": "gpt-4o"})
    assert body["model"] == "prod/4o"
    assert ("prod%2F4o" in path) is (more == DATED)


async def test_other_dialects_are_translated_for_the_deployment(upstream: FakeUpstream) -> None:
    more = 'deployments = { "m" = "prod" }\ndialects = ["openai.chat"]'
    payload = {"model": "up/m", "input": "Hello"}
    path, body = await forwarded(upstream, more, "/v1/responses", payload)
    assert (path, body["model"]) == (AT_V1, "prod")


@pytest.mark.parametrize(
    ("door", "wanted"),
    [
        ("/azure/openai/responses?api-version=1", "/openai/responses?api-version=1"),
        ("/azure/openai/v1/responses", "/openai/responses?api-version=2024-10-21"),
        ("/azure/openai/files?api-version=1&limit=2", "/openai/files?limit=2&api-version=1"),
        ("/azure/models/info?api-version=1", "/models/info?api-version=1"),
        ("/v1/files", "/openai/files?api-version=2024-10-21"),
    ],
)
async def test_all_else_is_passed_on(upstream: FakeUpstream, door: str, wanted: str) -> None:
    answer_json(upstream, {"object": "response", "id": "r", "output": []})
    async with run_gateway(table(upstream, DATED)) as gateway:
        method, body = ("POST", {"model": "up/m"}) if "responses" in door else ("GET", None)
        await gateway.send(method, door, json=body, headers={"x-jackfield-provider": "up"})
    assert upstream.requests[-1].path == wanted


async def test_audio_goes_to_its_deployment(upstream: FakeUpstream) -> None:
    upstream.reply(b"ID3", headers={"Content-Type": "audio/mpeg"})
    async with run_gateway(table(upstream, DATED)) as gateway:
        path = "/azure/openai/deployments/up/tts/audio/speech?api-version=1"
        answer = await gateway.post(path, json={"model": "up/tts", "input": "Hi", "voice": "a"})
        assert await answer.read() == b"ID3"
    assert upstream.requests[0].path == "/openai/deployments/tts/audio/speech?api-version=1"


async def test_a_key_is_sent_as_azure_wants_it(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TEST_KEY", "made-up-azure-key-1")
    await forwarded(upstream, 'keys = ["env:AZURE_TEST_KEY"]', AT_DOOR, HI | {"model": "up/m"})
    headers = upstream.requests[0].headers
    assert headers["api-key"] == "made-up-azure-key-1"
    assert "authorization" not in headers


AT_DOOR = "/azure/openai/v1/chat/completions"
APPLICATION = (
    'auth = {{ tenant_id = "t", client_id = "c", client_secret = "env:AZURE_TEST_SECRET",'
    ' authority = "{url}" }}'
)


async def test_an_application_gets_one_token_for_many_requests(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TEST_SECRET", "made-up-secret")
    async with FakeUpstream() as login:
        answer_json(login, {"access_token": "made-up-token", "expires_in": 3599})
        auth = APPLICATION.format(url=login.base_url)
        async with run_gateway(table(upstream, auth)) as gateway:
            for _ in range(3):
                answer_json(upstream, CHAT)
                answer = await gateway.post(AT_DOOR, json=HI | {"model": "up/m"})
                assert answer.status == 200
    assert len(login.requests) == 1
    assert b"client_secret=made-up-secret" in login.requests[0].body
    sent = {request.headers["authorization"] for request in upstream.requests}
    assert sent == {"Bearer made-up-token"}


async def test_an_application_without_a_secret_shows_the_token_in_a_file(
    upstream: FakeUpstream, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("made-up-federated-token")
    (tmp_path / "token").chmod(0o600)
    auth = f'tenant_id = "t", client_id = "c", client_assertion = "file:{tmp_path}/token"'
    async with FakeUpstream() as login:
        answer_json(login, {"access_token": "made-up-token", "expires_in": 3599})
        more = f'auth = {{ {auth}, authority = "{login.base_url}" }}'
        await forwarded(upstream, more, AT_DOOR, HI | {"model": "up/m"})
    assert b"client_assertion=made-up-federated-token" in login.requests[0].body
    assert upstream.requests[0].headers["authorization"] == "Bearer made-up-token"


async def test_a_refused_application_is_reported_without_its_secret(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TEST_SECRET", "made-up-secret")
    async with FakeUpstream() as login:
        refusal = {"error": "invalid_client", "error_description": "made-up-secret is wrong"}
        answer_json(login, refusal, 401)
        auth = APPLICATION.format(url=login.base_url)
        async with run_gateway(table(upstream, auth)) as gateway:
            answer = await gateway.post(AT_DOOR, json=HI | {"model": "up/m"})
            body = await answer.read()
    assert answer.status == 502
    assert b"invalid_client" in body
    assert b"made-up-secret" not in body
    assert upstream.requests == []


async def test_a_token_of_somebody_elses_is_sent(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_TEST_TOKEN", "made-up-token")
    more = 'auth = { bearer = "env:AZURE_TEST_TOKEN" }'
    await forwarded(upstream, more, AT_DOOR, HI | {"model": "up/m"})
    assert upstream.requests[0].headers["authorization"] == "Bearer made-up-token"


async def test_a_filtered_prompt_is_reported_as_azure_does(upstream: FakeUpstream) -> None:
    answer_json(upstream, FILTERED, 400)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post(AT_DOOR, json=HI | {"model": "up/m"})
    assert (answer.status, await answer.json()) == (400, FILTERED)


async def test_errors_of_api_management_keep_their_message(upstream: FakeUpstream) -> None:
    message = "Rate limit is exceeded. Try again in 12 seconds."
    answer_json(upstream, {"statusCode": 429, "message": message}, 429)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post(AT_DOOR, json=HI | {"model": "up/m"})
    assert (answer.status, (await answer.json())["error"]["message"]) == (429, message)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('api = "deployments"', "api_version"),
        ('api = "v2"', "api"),
        ('auth = { tenant_id = "t" }', "client_secret"),
        ('auth = { bearer = "env:X", client_id = "c" }', "bearer"),
        ('auth = { managed_identity = true, tenant_id = "t" }', "managed identity"),
        ('auth = { client_secret = "env:X", client_assertion = "env:X" }', "client_assertion"),
        ('keys = ["env:X"]\nauth = { bearer = "env:X" }', "keys"),
    ],
)
async def test_what_is_wrong_with_the_configuration_is_reported(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, more: str, message: str
) -> None:
    monkeypatch.setenv("X", "made-up")
    with pytest.raises(ConfigError, match=message):
        async with run_gateway(table(upstream, more)):
            pass


async def test_an_endpoint_with_a_path_is_refused() -> None:
    toml = '[providers.azure]\nbase_url = "https://contoso.openai.azure.com/openai/v1/"'
    with pytest.raises(ConfigError, match="endpoint alone"):
        async with run_gateway(toml):
            pass


async def test_a_request_without_a_model_goes_to_the_vendor_whose_path_it_has(
    upstream: FakeUpstream,
) -> None:
    first = f'[providers.openai]\nbase_url = "{upstream.base_url}/v1"\n'
    listed: dict[str, Any] = {"object": "list", "data": []}
    async with run_gateway(first + table(upstream)) as gateway:
        for path in ("/azure/openai/files", "/v1/files"):
            answer_json(upstream, listed)
            assert (await gateway.get(path)).status == 200
    targets = [request.path for request in upstream.requests]
    assert targets == ["/openai/v1/files", "/v1/files"]
