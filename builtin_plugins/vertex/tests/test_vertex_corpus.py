"""Recorded traffic of Vertex AI, through the dialect of its embeddings and through the gateway."""

import json
from typing import Any

import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import installed
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield_vertex.endpoints import EMBEDDINGS, GOOGLE_COUNT

pytestmark = needs_corpus
OPERATIONS = {"generate_content", "generate_content_stream", "embeddings", "count_tokens"}
FOUND = [
    exchange
    for exchange in exchanges(provider="vertex")
    if exchange.operation in OPERATIONS and exchange.status == 200
]
EMBEDDED = [exchange for exchange in FOUND if exchange.operation == "embeddings"]
COUNTED = [exchange for exchange in FOUND if exchange.operation == "count_tokens"]
ARRAY = installed("gemini.generate_content_array").framing
CUTS = (1, 7, 0)
TOML = """
[providers.up]
use = "vertex"
base_url = "{url}"
project = "example-project"
location = "global"
credentials = {{ bearer = "env:VERTEX_TOKEN" }}
"""


def named(exchange: Exchange) -> Any:
    return pytest.param(exchange, id=exchange.id)


def wire_of(exchange: Exchange) -> tuple[bytes, str]:
    """The body as it was sent, and its content type."""
    if exchange.streams:
        return exchange.body, "text/event-stream"
    if exchange.operation != "generate_content_stream":
        return exchange.body, "application/json"
    return exchange.body, ARRAY.content_type


async def replay(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange, size: int
) -> list[str]:
    """Send one recorded request and have the recorded answer sent; what is not as recorded."""
    body, media = wire_of(exchange)
    sent = json.dumps(exchange.request_tree).encode()
    pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    upstream.stream(pieces, content_type=media)
    path: str = exchange.request["path"]
    answer = await gateway.post(
        "/vertex" + path.replace("/publishers/google/", "/publishers/up/"), body=sent
    )
    got = await answer.read()
    request = upstream.requests[-1]
    wrong = []
    if (answer.status, got) != (200, body):
        wrong.append(f"{exchange.id} cut {size}: answer {got[-300:]!r}")
    head, _, rest = path.partition("/locations/")
    wanted = f"{head}/locations/global/{rest.partition('/')[2]}"
    if (request.path, request.body) != (wanted, sent):
        wrong.append(f"{exchange.id}: {request.path} {request.body[:200]!r}")
    return wrong


@pytest.mark.timeout(120)
async def test_googles_own_traffic_passes_byte_for_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VERTEX_TOKEN", "token-of-gateway-1")
    wrong: list[str] = []
    async with (
        FakeUpstream() as upstream,
        run_gateway(TOML.format(url=upstream.base_url)) as gateway,
    ):
        for exchange in FOUND:
            streams = exchange.operation == "generate_content_stream"
            for size in CUTS if streams else (0,):
                wrong += await replay(gateway, upstream, exchange, size)
    assert FOUND
    assert not wrong, f"{len(wrong)} of {len(FOUND)}:\n" + "\n".join(wrong)


@pytest.mark.parametrize("exchange", [*map(named, EMBEDDED)])
def test_recorded_embeddings_survive_the_canonical_form(exchange: Exchange) -> None:
    request = EMBEDDINGS.parse_request(exchange.request_tree, {"model": "m"})
    assert msgspec.json.decode(EMBEDDINGS.render_request(request).body) == exchange.request_tree
    response = EMBEDDINGS.parse_response(exchange.body)
    rendered = EMBEDDINGS.render_response(response, request)
    assert msgspec.json.decode(rendered.body) == json.loads(exchange.body)
    assert response.usage is not None
    assert response.usage.input_tokens > 0


@pytest.mark.parametrize("exchange", [*map(named, COUNTED)])
def test_a_recorded_count_survives_the_canonical_form(exchange: Exchange) -> None:
    request = GOOGLE_COUNT.parse_request(exchange.request_tree, {"model": "m"})
    assert msgspec.json.decode(GOOGLE_COUNT.render_request(request).body) == exchange.request_tree
    rendered = GOOGLE_COUNT.render_response(GOOGLE_COUNT.parse_response(exchange.body), request)
    assert msgspec.json.decode(rendered.body) == json.loads(exchange.body)
