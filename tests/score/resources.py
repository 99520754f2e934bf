"""All that is no answered chat, at the path where it was recorded: files, vectors, errors, …"""

import json
import re
from collections.abc import Iterable
from contextlib import AsyncExitStack
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import unquote

from tests.corpus import Exchange, exchanges

from jackfield.testing import FakeUpstream, GatewayClient, UpstreamReply, run_gateway
from jackfield.testing.upstream import Received

from .answers import Miss
from .passthrough import DOORS, media_type_of, table_of
from .traffic import bytes_of, recorded

PREFIXES = {
    "openai": ("openai.chat", ""),
    "anthropic": ("anthropic.messages", "/anthropic"),
    "gemini": ("gemini.generate_content", "/gemini"),
    "cohere": ("cohere.chat", "/cohere"),
    "bedrock": ("bedrock.converse", "/bedrock"),
    "ollama": ("ollama.chat", "/ollama"),
    "mistral": ("mistral.chat", "/mistral"),
    "vertex": ("vertex", "/vertex"),
}
"""The door of a vendor's plugin, and where the vendor's own paths begin at the gateway."""

_SENT = {"json": "application/json", "text": "text/plain", "empty": "application/json"}
_OWN_LIST = ("/models", "/api/tags")
"""What the gateway answers itself: the models of all providers, in the vendor's form."""


def others(provider: str | None, operation: str | None) -> list[Exchange]:
    """The exchanges that the other scores leave out, of vendors that have a plugin."""
    scored = {one.id for one in recorded(provider, operation) if one.exchange.provider != "vertex"}
    installed = {point.name for point in entry_points(group="jackfield.plugins")}
    return [
        one
        for one in exchanges(provider=provider, operation=operation)
        if one.id not in scored
        and one.provider in PREFIXES
        and DOORS[PREFIXES[one.provider][0]].plugin in installed
        and one.request["body_kind"] in _SENT
        and one.request.get("method")
        and not one.operation.startswith("realtime")
        and not one.request["path"].endswith(_OWN_LIST)
        and "/openai/" not in one.request["path"]
    ]


async def score_all(found: Iterable[Exchange]) -> dict[str, list[Miss]]:
    """For each exchange, by its id, what did not come through byte for byte."""
    missed: dict[str, list[Miss]] = {}
    behind: dict[str, list[Exchange]] = {}
    for one in found:
        behind.setdefault(one.provider, []).append(one)
    for provider, group in behind.items():
        door = DOORS[PREFIXES[provider][0]]
        async with AsyncExitStack() as stack:
            upstream = await stack.enter_async_context(FakeUpstream())
            toml = "[upstream]\nretries = 0\n" + table_of(door, upstream)
            gateway = await stack.enter_async_context(run_gateway(toml))
            for one in group:
                missed[one.id] = await _exchange(gateway, upstream, one)
    return missed


async def _exchange(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange
) -> list[Miss]:
    request, kind = exchange.request, exchange.response["body_kind"]
    answer = bytes_of(exchange.response["body"]) if kind != "empty" else b""
    media = {"Content-Type": media_type_of(kind)}
    upstream.always(UpstreamReply(exchange.status, (answer,), media, "length"))
    upstream.requests.clear()
    sent = _body(request)
    path = PREFIXES[exchange.provider][1] + request["path"]
    got = await gateway.send(request["method"], path, body=sent, headers=_media_of(request))
    body = await got.read()
    if not upstream.requests:
        return [Miss(exchange.id, "status", f"{got.status}, nothing sent: {body[:160]!r}")]
    found = _of_request(exchange, upstream.requests[-1], sent)
    # A refusal of the gateway's own key is no client's business, and other errors are scrubbed.
    wanted = 502 if exchange.status in (401, 403) else exchange.status
    if got.status != wanted:
        found.append(Miss(exchange.id, "status", f"{exchange.status} became {got.status}"))
    if exchange.status < 300 and body != answer:
        found.append(Miss(exchange.id, "answer", f"{body[:160]!r}"))
    return found


def _of_request(exchange: Exchange, received: Received, sent: bytes) -> list[Miss]:
    found = []
    if received.body != sent:
        found.append(Miss(exchange.id, "request", f"{received.body[:120]!r}"))
    if _path(received.path) != _path(exchange.request["path"]):
        found.append(Miss(exchange.id, "path", f"{received.path}"))
    return found


def _path(path: str) -> str:
    """A path, however it is escaped; Vertex's location is the provider's own."""
    return re.sub(r"/locations/[^/]+", "", unquote(path))


def _media_of(request: dict[str, Any]) -> dict[str, str]:
    headers = {name.lower(): value for name, value in (request.get("headers") or {}).items()}
    return {"content-type": headers.get("content-type") or _SENT[request["body_kind"]]}


def _body(request: dict[str, Any]) -> bytes:
    if request["body_kind"] == "empty":
        return b""
    body = request["body"]
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
