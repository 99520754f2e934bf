"""Every endpoint of a gateway with all that is built in: nothing answers without the right key."""

import re
from collections.abc import AsyncIterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from jackfield.endpoints import PUBLIC, Endpoint
from jackfield.http import WEBSOCKET
from jackfield.testing import GatewayClient
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway
from jackfield_virtual_keys.key_text import new_key_text, written

RATE = """
[plugins.rate_limits.limits.all]
scope = "gateway"
requests = 1000000
window = "1m"
"""
PUBLISHED = {(method, path) for method in ("GET", "HEAD") for path in ("/health", "/ready")}
NAMED = {point.name for point in entry_points(group="jackfield.plugins")}
DOORS = sorted(
    NAMED
    & {"openai", "anthropic", "gemini", "vertex", "bedrock", "azure", "cohere", "mistral", "ollama"}
)
OTHERS = sorted(NAMED & {"audit", "budgets", "rate_limits", "usage"})
BODIES = (b"", b"{}", b"{", b'{"model": "m", "messages": []}', b"\xff\x00")
METHODS = ("GET", "POST", "DELETE")


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[ObservedGateway]:
    lines = [f"[server]\nfront_doors = {DOORS}", "[providers.demo]", "[plugins.virtual_keys]"]
    toml = "\n".join([*lines, *(f"[plugins.{name}]" for name in OTHERS)])
    if "rate_limits" in OTHERS:
        toml = toml.replace("[plugins.rate_limits]", RATE)
    async with observed_gateway(toml, directory=tmp_path) as gateway:
        assert isinstance(gateway, ObservedGateway)
        yield gateway


async def callers(local: GatewayClient) -> dict[str, dict[str, str]]:
    """Headers of callers none of whom may do anything."""
    await local.post("/jackfield/organizations", json={"name": "acme"})
    made = await local.post("/jackfield/keys", json={"organization": "acme", "permissions": []})
    key = (await made.json())["key"]
    return {
        "none": {},
        "wrong": {"authorization": f"Bearer {written(new_key_text())}"},
        "foreign": {"x-api-key": "sk-1234"},
        "cut": {"x-goog-api-key": key[:-1]},
        "signed": {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=0"},
        "low": {"authorization": f"Bearer {key}"},
        "low, for Azure": {"api-key": key},
    }


def path_of(endpoint: Endpoint) -> str:
    return re.sub(r"\{\w+\*?\}", "some-item", endpoint.path)


async def refused(
    client: GatewayClient, table: Any, headers: dict[str, str], bodies: tuple[bytes, ...] = BODIES
) -> int:
    """How many endpoints have refused, which are all that are not public."""
    count = 0
    for endpoint in table:
        if endpoint.permission == PUBLIC:
            continue
        for method in METHODS if endpoint.method == "*" else (endpoint.method,):
            for body in bodies:
                more = {**headers, "upgrade": "websocket"} if method == WEBSOCKET else headers
                sent = method.replace(WEBSOCKET, "GET")
                answer = await client.send(sent, path_of(endpoint), body=body, headers=more)
                assert answer.status in (401, 403), (method, endpoint.path, body, answer.status)
                count += 1
    return count


@pytest.mark.timeout(120)
async def test_no_endpoint_answers_without_the_right_key(
    gateway: ObservedGateway, administered: Any
) -> None:
    who = await callers(administered(gateway))
    counts = {
        name: await refused(client_of(gateway), gateway.table, headers)
        for name, headers in who.items()
    }
    assert min(counts.values()) > 1_000
    assert len(set(counts.values())) == 1
    outcomes = {one.outcome.error and one.outcome.error.code for one in gateway.settled[2:]}
    assert outcomes <= {"unauthenticated", "forbidden"}


async def test_no_endpoint_of_the_admin_listener_does(
    gateway: ObservedGateway, administered: Any
) -> None:
    admin = administered(gateway)
    endpoints = list(gateway.admin_frontend._table)
    assert {"/jackfield/keys", "/jackfield/plugins"} <= {endpoint.path for endpoint in endpoints}
    for name, headers in (await callers(admin)).items():
        if name == "none":
            continue  # who can open the socket needs no key; at an address the kernel asks for one
        assert await refused(admin, endpoints, headers, (b"", b"{}")) > 50


def test_only_what_is_published_is_public(gateway: ObservedGateway) -> None:
    public = {(e.method, e.path) for e in gateway.table if e.permission == PUBLIC}
    assert public == PUBLISHED
    assert all(endpoint.permission for endpoint in gateway.table)
