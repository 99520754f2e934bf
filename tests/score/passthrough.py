"""Every recorded exchange through a gateway whose provider speaks the client's own dialect."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from urllib.parse import quote

from attrs import frozen

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

from .answers import Miss
from .traffic import Recorded

_EVENTS = {
    "sse": "text/event-stream",
    "ndjson": "application/x-ndjson",
    "eventstream": "application/vnd.amazon.eventstream",
    "binary": "application/vnd.amazon.eventstream",
}
# Signatures are not looked at: any text that is there will do for a key.
_BEDROCK = """
region = "us-east-1"
credentials = { access_key = "env:PATH", secret_key = "env:PATH" }
"""
_VERTEX = """
project = "example-project"
location = "us-central1"
credentials = { bearer = "env:PATH" }
"""


@frozen
class Door:
    """Where clients of a dialect knock: the plugin, its path, and what its table needs."""

    plugin: str
    path: str
    base: str = ""
    streamed: str = ""
    table: str = ""

    def path_of(self, recorded: Recorded) -> str:
        """The path that the recorded request would have been sent to."""
        path = (self.streamed if recorded.streams else "") or self.path
        if recorded.exchange.response["body_kind"] == "json" and recorded.streams:
            path = path.replace("?alt=sse", "")
        return path.format(model=quote(recorded.params["model"], safe=""))


DOORS = {
    "openai.chat": Door("openai", "/v1/chat/completions", "/v1"),
    "openai.responses": Door("openai", "/v1/responses", "/v1"),
    "anthropic.messages": Door("anthropic", "/anthropic/v1/messages"),
    "gemini.generate_content": Door(
        "gemini",
        "/gemini/v1beta/models/{model}:generateContent",
        streamed="/gemini/v1beta/models/{model}:streamGenerateContent?alt=sse",
    ),
    "cohere.chat": Door("cohere", "/cohere/v2/chat"),
    "ollama.chat": Door("ollama", "/ollama/api/chat"),
    "mistral.chat": Door("mistral", "/mistral/v1/chat/completions"),
    "azure.chat": Door(
        "azure",
        "/azure/openai/deployments/{model}/chat/completions?api-version=2024-10-21",
        table='api_version = "2024-10-21"',
    ),
    "vertex": Door("vertex", "/vertex", table=_VERTEX),
    "bedrock.converse": Door(
        "bedrock",
        "/bedrock/model/{model}/converse",
        streamed="/bedrock/model/{model}/converse-stream",
        table=_BEDROCK,
    ),
}


async def score_all(recorded: Iterable[Recorded], cuts: Sequence[int]) -> dict[str, list[Miss]]:
    """For each exchange, by its id, what did not come through byte for byte.

    Vertex has other paths than Gemini, and is scored at those that were recorded.
    """
    missed: dict[str, list[Miss]] = {}
    behind: dict[Door, list[Recorded]] = {}
    for one in recorded:
        if one.name in DOORS and one.exchange.provider != "vertex":
            behind.setdefault(DOORS[one.name], []).append(one)
    for door, exchanges in behind.items():
        async with AsyncExitStack() as stack:
            upstream = await stack.enter_async_context(FakeUpstream())
            gateway = await stack.enter_async_context(run_gateway(table_of(door, upstream)))
            for one in exchanges:
                found = missed[one.id] = []
                for size in cuts if one.streams else (0,):
                    found += await _exchange(gateway, upstream, door, one, size)
    return missed


def table_of(door: Door, upstream: FakeUpstream) -> str:
    """The configuration of a gateway with nothing but the door's provider."""
    return (
        f'[server]\nfront_doors = ["{door.plugin}"]\n'
        f'[providers.up]\nuse = "{door.plugin}"\nstream_end = "framing"\n'
        f'base_url = "{upstream.base_url}{door.base}"\n{door.table}'
    )


def media_type_of(kind: str) -> str:
    """The content type of a body of one of the corpus's kinds."""
    return _EVENTS.get(kind, "application/json")


async def _exchange(
    gateway: GatewayClient, upstream: FakeUpstream, door: Door, recorded: Recorded, size: int
) -> list[Miss]:
    kind = recorded.exchange.response["body_kind"]
    body = recorded.body
    if recorded.streams:
        pieces = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
        upstream.stream(pieces, content_type=media_type_of(kind))
    else:
        upstream.reply(body)
    named = {} if "{model}" in door.path else {"model": recorded.params["model"]}
    sent = json.dumps(named | (recorded.exchange.request_tree or {})).encode()
    answer = await gateway.post(door.path_of(recorded), body=sent)
    return list(_differences(recorded, size, sent, upstream, (answer.status, await answer.read())))


def _differences(
    recorded: Recorded,
    size: int,
    sent: bytes,
    upstream: FakeUpstream,
    answer: tuple[int, bytes],
) -> Iterator[Miss]:
    status, body = answer
    where = f"in pieces of {size} bytes" if size else "at once"
    if status != 200:
        yield Miss(recorded.id, "status", f"{status} {body[:160]!r}")
        return
    if body != recorded.body:
        yield Miss(recorded.id, "answer", f"{where}: {len(body)} of {len(recorded.body)} bytes")
    if not upstream.requests or upstream.requests[-1].body != sent:
        yield Miss(recorded.id, "request", f"{upstream.requests[-1].body[:120]!r}")
