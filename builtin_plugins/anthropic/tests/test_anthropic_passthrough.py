"""Recorded traffic through the gateway, Anthropic on both sides: not a byte may change."""

import json
from base64 import b64decode
from collections import Counter

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

OPERATIONS = {"messages", "messages_stream", "count_tokens", "completions", "completions_stream"}
CUTS = (1, 7, 0)
TOML = """
[upstream]
retries = 0
[providers.up]
use = "anthropic"
base_url = "{url}"
"""


def recorded() -> list[Exchange]:
    return [
        exchange
        for exchange in exchanges(provider="anthropic")
        if exchange.operation in OPERATIONS and exchange.status == 200
    ]


def cut(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)] if size else [body]


def path_of(exchange: Exchange) -> str:
    path = str(exchange.request["path"])
    return f"/anthropic{path}"


async def replay(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange, size: int
) -> list[str]:
    """Send one recorded request and have the recorded answer sent; what is not as recorded."""
    tree = exchange.request_tree
    if exchange.streams:
        upstream.stream(cut(exchange.body, size))
    else:
        upstream.reply(exchange.body)
    sent = json.dumps({**tree, "model": f"up/{tree['model']}"}).encode()
    answer = await gateway.post(path_of(exchange), body=sent)
    body = await answer.read()
    wrong = []
    if body != exchange.body or answer.status != 200:
        wrong.append(f"{exchange.id} cut {size}: answer {body[-300:]!r}")
    received = upstream.requests[-1]
    if received.body != json.dumps(tree).encode() or received.path != exchange.request["path"]:
        wrong.append(f"{exchange.id}: request {received.path} {received.body[:200]!r}")
    return wrong


@needs_corpus
@pytest.mark.timeout(120)
async def test_traffic_passes_byte_for_byte() -> None:
    wrong: list[str] = []
    counts: Counter[str] = Counter()
    async with (
        FakeUpstream() as upstream,
        run_gateway(TOML.format(url=upstream.base_url)) as gateway,
    ):
        for exchange in recorded():
            for size in CUTS if exchange.streams else (0,):
                wrong += await replay(gateway, upstream, exchange, size)
                counts[exchange.operation] += 1
    assert counts.keys() == OPERATIONS
    assert not wrong, f"{len(wrong)} of {counts}:\n" + "\n".join(wrong)


def request_body(exchange: Exchange) -> bytes:
    body = exchange.request["body"]
    if isinstance(body, dict) and "base64" in body:
        return b64decode(body["base64"])
    return b"" if body is None else json.dumps(body).encode()


@needs_corpus
@pytest.mark.parametrize("operation", ["files", "batches"])
async def test_resources_pass_byte_for_byte(operation: str) -> None:
    async with (
        FakeUpstream() as upstream,
        run_gateway(TOML.format(url=upstream.base_url)) as gateway,
    ):
        for exchange in exchanges(operation=operation, provider="anthropic"):
            sent, headers = request_body(exchange), exchange.request["headers"]
            media = exchange.response["headers"]["content-type"]
            upstream.reply(exchange.body, headers={"content-type": media})
            kept = {"content-type": headers["content-type"]} if sent else {}
            method = exchange.request["method"]
            answer = await gateway.send(method, path_of(exchange), body=sent, headers=kept)
            assert (answer.status, await answer.read()) == (200, exchange.body), exchange.id
            assert answer.headers["content-type"] == media
            received = upstream.requests[-1]
            assert (received.path, received.body) == (exchange.request["path"], sent)
