"""A plugin that guards texts also guards what is passed to tools, for clients of every vendor."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pytest

from jackfield import Chunk, Exchange, Forbidden, Outcome, Plugin, Response, hookimpl
from jackfield.json_spans import TextSpan
from jackfield.messages import ToolCall
from jackfield.testing import GatewayClient, run_gateway

VENDORS: Final = ("openai", "anthropic", "gemini", "bedrock", "cohere", "mistral", "ollama")
TOML: Final = f"[server]\nfront_doors = {[*VENDORS]}\n[plugins.guard]\n"
TURNS: Final[Any] = {"messages": [{"role": "user", "content": "Hello"}]}
GOOGLE: Final[Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
AMAZON: Final[Any] = {"messages": [{"role": "user", "content": [{"text": "Hello"}]}]}


class Guard(Plugin):
    """Ends answers with "crocodile", and replaces "newt"."""

    mutates = frozenset({"response"})

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk]:
        said: list[str] = exchange.note(self, list)
        changed = dict(guarded(chunk.texts(tools=True), said))
        return [chunk.with_texts(changed)]

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        if outcome.kind != "answered" or outcome.response is None:
            return None
        changed = dict(guarded(outcome.response.texts(exchange.dialect, tools=True), []))
        return outcome.response.with_texts(changed)


def guarded(spans: Sequence[TextSpan], said: list[str]) -> Iterator[tuple[Any, str]]:
    for span in spans:
        said.append(span.value)
        if "crocodile" in "".join(said):
            raise Forbidden("The answer contains a forbidden word.")
        yield span.path, span.value.replace("newt", "frog")


def asked(vendor: str, *, stream: bool) -> tuple[str, Any]:
    """The path and the body of a request."""
    model: Any = {"model": "fake/m", "stream": stream}
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    requests: dict[str, tuple[str, Any]] = {
        "openai": ("/v1/chat/completions", model | TURNS),
        "responses": ("/v1/responses", model | {"input": "Hello"}),
        "anthropic": ("/anthropic/v1/messages", model | TURNS | {"max_tokens": 9}),
        "gemini": (f"/gemini/v1beta/models/fake%2Fm:{verb}", GOOGLE),
        "bedrock": (f"/bedrock/model/fake%2Fm/converse{'-stream' * stream}", AMAZON),
        "cohere": ("/cohere/v2/chat", model | TURNS),
        "mistral": ("/mistral/v1/chat/completions", model | TURNS),
        "ollama": ("/ollama/api/chat", model | TURNS),
    }
    return requests[vendor]


async def answered(client: GatewayClient, vendor: str, stream: bool, arguments: str) -> bytes:
    client.fake.reply(calls=[ToolCall("call_1", "send", arguments)])
    path, body = asked(vendor, stream=stream)
    return await (await client.post(path, json=body)).read()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", ["responses", *VENDORS])
async def test_a_forbidden_argument_ends_the_answer(vendor: str, stream: bool) -> None:
    async with run_gateway(TOML, {"guard": Guard}) as client:
        await answered(client, vendor, stream, '{"to": ["see you later, crocodile"]}')
        (settled,) = client.settled
        assert settled.exchange.failures == []
        assert isinstance(settled.outcome.error, Forbidden)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("vendor", ["responses", *VENDORS])
async def test_an_argument_is_replaced(vendor: str, stream: bool) -> None:
    async with run_gateway(TOML, {"guard": Guard}) as client:
        answer = await answered(client, vendor, stream, '{"a":"newt"}')
        (settled,) = client.settled
        assert settled.exchange.failures == []
        assert settled.outcome.kind == "answered"
        assert b"frog" in answer
        assert b"newt" not in answer
