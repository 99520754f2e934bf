"""Recorded traffic through the gateway in Google's own dialect: not a byte may change."""

import json

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield_gemini.json_array import ArrayWriter

pytestmark = needs_corpus
OPERATIONS = {"generate_content", "generate_content_stream", "embeddings", "count_tokens"}
FOUND = [
    exchange
    for exchange in exchanges("gemini")
    if exchange.operation in OPERATIONS
    and exchange.status == 200
    and ":predict" not in exchange.request["path"]
]
ENDS_IN_A_LONG_EVENT = {"gemini-generate-content-stream-fb3532cd52"}
CUTS = (1, 7, 0)


def method_of(exchange: Exchange) -> str:
    path: str = exchange.request["path"]
    return path.rpartition(":")[2].partition("?")[0]


def wire_of(exchange: Exchange) -> tuple[bytes, str]:
    """The body as it was sent, and its content type."""
    if exchange.streams:
        return exchange.body, "text/event-stream"
    if exchange.operation != "generate_content_stream":
        return exchange.body, "application/json"
    writer = ArrayWriter()
    items = [json.dumps(item).encode() for item in json.loads(exchange.body)]
    return b"".join(map(writer.event, items)) + writer.end(), "application/json; charset=UTF-8"


async def replay(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange, size: int
) -> list[str]:
    """Send one recorded request and have the recorded answer sent; what is not as recorded."""
    body, media = wire_of(exchange)
    sent = json.dumps(exchange.request_tree).encode()
    pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    upstream.stream(pieces, content_type=media)
    method, query = method_of(exchange), "?alt=sse" if exchange.streams else ""
    path = f"/gemini/v1beta/models/up%2F{exchange.model}:{method}{query}"
    answer = await gateway.post(path, body=sent)
    got = await answer.read()
    received = upstream.requests[-1]
    wrong = []
    if (answer.status, got) != (200, body):
        wrong.append(f"{exchange.id} cut {size}: answer {got[-300:]!r}")
    if (received.path, received.body) != (f"/v1beta/models/{exchange.model}:{method}{query}", sent):
        wrong.append(f"{exchange.id}: {received.path} {received.body[:200]!r}")
    return wrong


@pytest.mark.timeout(120)
async def test_googles_own_traffic_passes_byte_for_byte() -> None:
    wrong: list[str] = []
    async with (
        FakeUpstream() as upstream,
        run_gateway(f'[providers.up]\nuse = "gemini"\nbase_url = "{upstream.base_url}"') as gateway,
    ):
        for exchange in FOUND:
            streams = exchange.operation == "generate_content_stream"
            if exchange.id in ENDS_IN_A_LONG_EVENT:
                continue
            for size in CUTS if streams else (0,):
                wrong += await replay(gateway, upstream, exchange, size)
    assert FOUND
    assert not wrong, f"{len(wrong)} of {len(FOUND)}:\n" + "\n".join(wrong)
