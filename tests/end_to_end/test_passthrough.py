"""Recorded traffic through the gateway, the same dialect on both sides: not a byte may change."""

import json
from collections import Counter

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "openai_completions": "/v1/completions",
    "openai_embeddings": "/v1/embeddings",
}
OPERATIONS = {
    "chat",
    "chat_stream",
    "responses",
    "responses_stream",
    "embeddings",
    "completions",
    "completions_stream",
}
CUTS = (1, 7, 0)
# Writer's own API streams values without a marker, so its table says that the framing must do.
TOML = """
[providers.up]
use = "openai"
base_url = "{url}/v1"
[providers.writer]
use = "openai"
base_url = "{url}/v1"
stream_end = "framing"
"""


def recorded(dialect: str) -> list[Exchange]:
    return [
        exchange
        for exchange in exchanges(dialect=dialect)
        if exchange.operation in OPERATIONS and exchange.status == 200
    ]


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


def bodies(exchange: Exchange) -> tuple[bytes, bytes]:
    """What a client sends, and what the provider must get: only the model's name differs."""
    tree = dict(exchange.request_tree)
    tree.setdefault("model", "unnamed")
    provider = "writer" if exchange.provider == "writer" else "up"
    sent = json.dumps(tree | {"model": f"{provider}/{tree['model']}"}).encode()
    return sent, json.dumps(tree).encode()


async def replay(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange, size: int
) -> list[str]:
    """Send one recorded request and have the recorded answer sent; what is not as recorded."""
    sent, wanted = bodies(exchange)
    if exchange.streams:
        upstream.stream(cut(exchange.body, size))
    else:
        upstream.reply(exchange.body)
    answer = await gateway.post(PATHS[exchange.dialect], body=sent)
    body = await answer.read()
    wrong = []
    if body != exchange.body or answer.status != 200:
        wrong.append(f"{exchange.id} cut {size}: answer {body[-300:]!r}")
    if upstream.requests[-1].body != wanted:
        wrong.append(f"{exchange.id}: request {upstream.requests[-1].body[:200]!r}")
    return wrong


@needs_corpus
@pytest.mark.timeout(120)
@pytest.mark.parametrize("dialect", PATHS)
async def test_same_dialect_traffic_passes_byte_for_byte(dialect: str) -> None:
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    async with (
        FakeUpstream() as upstream,
        run_gateway(TOML.format(url=upstream.base_url)) as gateway,
    ):
        for exchange in recorded(dialect):
            for size in CUTS if exchange.streams else (0,):
                wrong += await replay(gateway, upstream, exchange, size)
                counts[exchange.operation] += 1
    assert counts.total() > 0
    assert not wrong, f"{len(wrong)} of {counts}:\n" + "\n".join(wrong)
