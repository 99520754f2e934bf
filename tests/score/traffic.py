"""The recorded exchanges that are scored, each with the dialect in which it was recorded."""

import json
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from attrs import frozen
from tests.corpus import Exchange, exchanges

from jackfield.dialects import GROUP, Dialect, installed

DIALECTS = {
    "openai_chat": "openai.chat",
    "openai_responses": "openai.responses",
    "anthropic_messages": "anthropic.messages",
    "gemini": "gemini.generate_content",
    "bedrock_converse": "bedrock.converse",
    "cohere_v2": "cohere.chat",
    "ollama": "ollama.chat",
}
"""The corpus's names of dialects, and the gateway's."""

OF_PROVIDER = {
    ("mistral", "openai_chat"): "mistral.chat",
    ("azure", "openai_chat"): "azure.chat",
}
"""Providers whose plugin has a dialect of its own for what the corpus calls by a common name."""

_CHATS = ("chat", "responses", "messages", "generate_content", "converse")


@frozen
class Recorded:
    """One recorded exchange; `name` is the dialect's, whatever variant of it `dialect` is."""

    exchange: Exchange
    name: str
    dialect: Dialect
    body: bytes
    streams: bool

    @property
    def id(self) -> str:
        """Its name in the corpus."""
        return self.exchange.id

    @property
    def params(self) -> dict[str, str]:
        """What the path of its request says, as an endpoint would read it."""
        return {"model": self.exchange.model or "unnamed"}


@cache
def known_dialects() -> dict[str, Dialect]:
    """The chat dialects that the installed plugins declare, by their names."""
    found = {point.name: installed(point.name) for point in entry_points(group=GROUP)}
    return {
        name: one
        for name, one in sorted(found.items())
        if one.translates and one.canonical == "chat" and one.operation == "chat"
    }


def recorded(provider: str | None = None, operation: str | None = None) -> Iterator[Recorded]:
    """The answered chats that an installed dialect can read."""
    for exchange in exchanges(provider=provider, operation=operation):
        name = dialect_name(exchange)
        if exchange.status != 200 or name not in known_dialects():
            continue
        if exchange.operation.removesuffix("_stream") not in _CHATS:
            continue
        body, kind = exchange.response["body"], exchange.response["body_kind"]
        dialect = known_dialects()[name]
        if name == "gemini.generate_content" and isinstance(body, list):
            dialect = installed("gemini.generate_content_array")
        streams = exchange.operation.endswith("_stream") or kind in ("sse", "eventstream", "ndjson")
        yield Recorded(exchange, name, dialect, bytes_of(body), streams)


def dialect_name(exchange: Exchange) -> str:
    """Our name of the dialect of an exchange; empty when we have none."""
    own = OF_PROVIDER.get((exchange.provider, exchange.dialect), "")
    if own in known_dialects():
        return own
    return DIALECTS.get(exchange.dialect, "")


def bytes_of(body: Any) -> bytes:
    """A recorded body as it was on the wire."""
    if isinstance(body, dict) and body.keys() == {"base64"}:
        return b64decode(body["base64"])
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()
