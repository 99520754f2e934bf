"""Every endpoint asks for a permission, and nobody gets by without it."""

import json
import re
from collections.abc import AsyncIterator, Mapping

import pytest
from tests.security.conftest import config
from tests.security.guards import GOOD_KEY, GUARDS, LOW_KEY

from jackfield.endpoints import PUBLIC, Endpoint, EndpointTable
from jackfield.testing import FakeUpstream
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway
from jackfield_azure.endpoints import endpoints as of_azure
from jackfield_gemini.endpoints import endpoints as of_gemini
from jackfield_mistral.endpoints import endpoints as of_mistral
from jackfield_openai.endpoints import endpoints as of_openai

PUBLISHED = {(method, path) for method in ("GET", "HEAD") for path in ("/health", "/ready")}
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")
ANY_METHOD = ("GET", "POST", "DELETE")
BODIES = (b"", b"{}", b"{", b'{"model": "m", "messages": []}', b"\xff\x00")
CREDENTIALS: tuple[Mapping[str, str], ...] = (
    {},
    {"Authorization": ""},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Basic d3Jvbmc6d3Jvbmc="},
    {"Authorization": GOOD_KEY[:-1]},
    {"Authorization": GOOD_KEY + " "},
    {"Authorization": GOOD_KEY.lower()},
    {"X-Api-Key": GOOD_KEY},
    {"X-Forwarded-User": "admin"},
    {"Authorization": LOW_KEY},
)


@pytest.fixture
async def guarded(upstream: FakeUpstream) -> AsyncIterator[ObservedGateway]:
    more = "[providers.demo]\n[plugins.key_guard]\n[plugins.extra]"
    async with observed_gateway(config(upstream, more), GUARDS) as gateway:
        assert isinstance(gateway, ObservedGateway)
        yield gateway


def path_of(endpoint: Endpoint) -> str:
    return re.sub(r"\{\w+\*?\}", "some-item", endpoint.path)


def test_every_endpoint_names_a_permission(guarded: ObservedGateway) -> None:
    endpoints = list(guarded.table)
    assert {"/extra/chat", "/v1/chat/completions", "/health"} <= {e.path for e in endpoints}
    assert all(re.fullmatch(r"[a-z][a-z_.]*", endpoint.permission) for endpoint in endpoints)
    public = {(e.method, e.path) for e in endpoints if e.permission == PUBLIC}
    assert public == PUBLISHED


@pytest.mark.parametrize("credentials", CREDENTIALS, ids=repr)
async def test_without_the_permission_no_endpoint_answers(
    guarded: ObservedGateway, upstream: FakeUpstream, credentials: Mapping[str, str]
) -> None:
    client = client_of(guarded)
    for endpoint in guarded.table:
        if endpoint.permission == PUBLIC:
            continue
        methods = ANY_METHOD if endpoint.method == "*" else (endpoint.method,)
        for method in methods:
            for body in BODIES:
                path = path_of(endpoint)
                answer = await client.send(method, path, body=body, headers=credentials)
                assert answer.status in (401, 403), (method, path, body, answer.status)
    assert upstream.requests == []


async def test_the_refusal_is_in_the_dialect_of_the_path(guarded: ObservedGateway) -> None:
    for endpoint in guarded.table:
        if endpoint.permission != PUBLIC and endpoint.dialect.name.startswith("openai."):
            method = endpoint.method.replace("*", "POST")
            answer = await client_of(guarded).send(method, path_of(endpoint), body=b"{}")
            error = json.loads(await answer.read())["error"]
            assert answer.status == 401
            assert error["type"] == "authentication_error"
            assert error["request_id"] == answer.headers["x-request-id"]


async def test_with_the_permission_a_broken_body_is_reported(guarded: ObservedGateway) -> None:
    client, key = client_of(guarded), {"Authorization": GOOD_KEY}
    answer = await client.send("POST", "/v1/chat/completions", body=b"{", headers=key)
    assert answer.status == 400
    assert "not valid JSON" in json.loads(await answer.read())["error"]["message"]


async def test_the_published_endpoints_answer_anybody(guarded: ObservedGateway) -> None:
    for method, path in PUBLISHED:
        answer = await client_of(guarded).send(method, path, headers={"Host": "any.example"})
        assert answer.status in (200, 503)


async def test_a_method_that_is_not_offered_is_refused(guarded: ObservedGateway) -> None:
    client, key = client_of(guarded), {"Authorization": GOOD_KEY}
    offered: dict[str, set[str]] = {}
    for endpoint in guarded.table:
        offered.setdefault(path_of(endpoint), set()).add(endpoint.method)
    for path, methods in offered.items():
        if path.startswith(("/v1", "/openai")):
            continue  # what is not the gateway's own there is the provider's to refuse
        for method in set(METHODS) - methods:
            answer = await client.send(method, path, body=b"{}", headers=key)
            assert answer.status == 405, (method, path)
            assert "it takes" in json.loads(await answer.read())["error"]["message"]


async def test_the_admin_endpoints_are_not_on_the_main_listener(guarded: ObservedGateway) -> None:
    for path in ("/jackfield/plugins", "/jackfield/endpoints"):
        answer = await client_of(guarded).send("GET", path, headers={"Authorization": GOOD_KEY})
        assert answer.status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/mistral/v1/conversations",
        "/mistral/v1/audio/voices",
        "/v1/audio/voices",
        "/v1/audio/voice_consents",
        "/openai/v1/audio/voice_consents/cons_1",
        "/azure/openai/v1/audio/voice_consents",
        "/gemini/v1beta/openai/files",
        "/gemini/v1beta/openai/batches",
        "/gemini/v1beta/openai/batches/b1",
    ],
)
def test_a_list_of_what_others_have_made_is_no_matter_of_inference(path: str) -> None:
    endpoint, _ = EndpointTable([*of_azure(), *of_gemini(), *of_mistral(), *of_openai()]).find(
        "GET", path
    )
    assert endpoint.permission != "inference"
