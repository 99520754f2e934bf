"""What every client of chat relies on, whoever answers: one finish, requested usage, true ends."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence

import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect
from jackfield.events import Failed, StreamEvent, UsageReported
from jackfield.messages import ChatRequest
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_openai.endpoints import CHAT, RESPONSES

BY_NAME: dict[str, Dialect] = {"openai_chat": CHAT, "openai_responses": RESPONSES}
RECORDED = [
    exchange
    for dialect in BY_NAME
    for exchange in exchanges(dialect=dialect)
    if exchange.streams and exchange.status == 200
]
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
DELTA = {"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": None}
TEXT_CHUNK = sse.encode(msgspec.json.encode({**CHUNK, "choices": [DELTA]}))
# Groq says it in an event of its own, OpenRouter beside the choices of a chunk.
GROQ = sse.encode(b'{"error":{"message":"No such tool","status_code":400}}', "error")
OPENROUTER = sse.encode(
    b'{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"error"}],'
    b'"error":{"code":400,"message":"No such tool"}}'
)


def events_of(exchange: Exchange) -> list[StreamEvent]:
    parser = BY_NAME[exchange.dialect].stream_parser()
    found = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
    return [*found, *parser.close()]


def chunks_of(events: Sequence[StreamEvent], *, include_usage: bool) -> list[bytes]:
    renderer = CHAT.stream_renderer(ChatRequest("m", (), stream=True, include_usage=include_usage))
    wire = b"".join(map(renderer.render, events))
    return [sse.data_of(event) or b"" for event in sse.split(wire)]


@needs_corpus
@pytest.mark.parametrize("exchange", RECORDED, ids=lambda exchange: exchange.id)
@pytest.mark.parametrize("include_usage", [True, False], ids=["usage", "plain"])
def test_a_stream_ends_as_chat_does(exchange: Exchange, include_usage: bool) -> None:
    events = events_of(exchange)
    failed = any(isinstance(event, Failed) for event in events)
    reported = any(isinstance(event, UsageReported) for event in events)
    *datas, last = chunks_of(events, include_usage=include_usage)
    assert (last == b"[DONE]") is not failed
    chunks = [msgspec.json.decode(data) for data in datas]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    finishes = Counter(c["index"] for c in choices if c["finish_reason"] is not None)
    usages = [chunk for chunk in chunks if not chunk["choices"] and chunk.get("usage")]
    if not failed:
        assert finishes == dict.fromkeys({c["index"] for c in choices}, 1)
        assert len(usages) == (include_usage and reported)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.mark.parametrize("error", [GROQ, OPENROUTER], ids=["groq", "openrouter"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/v1/completions"])
async def test_an_error_inside_a_stream_reaches_every_client(
    upstream: FakeUpstream, path: str, error: bytes
) -> None:
    upstream.stream([TEXT_CHUNK, error])
    url = f"{upstream.base_url}/v1"
    toml = f'[providers.up]\nuse = "openai"\nbase_url = "{url}"\ndialects = ["openai.chat"]\n'
    fields = {"input": "Hi", "prompt": "Hi", "messages": [{"role": "user", "content": "Hi"}]}
    prompts = {"responses": "input", "completions": "prompt"}
    key = "messages" if "chat" in path else prompts[path.rpartition("/")[2]]
    async with run_gateway(toml) as gateway:
        answer = await gateway.post(path, json={"model": "up/m", "stream": True, key: fields[key]})
        body = await answer.read()
    assert b"No such tool" in body
    assert b"[DONE]" not in body
    assert b"response.completed" not in body
