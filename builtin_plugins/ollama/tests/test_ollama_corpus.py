"""Ollama's recorded traffic in its own dialects, and read by clients of others."""

import json
from typing import Any

import msgspec
import pytest
from ollama import ChatResponse as SdkChat
from tests.corpus import Exchange, exchanges, needs_corpus
from tests.recordings import recordings
from tests.score.answer import Answer, count
from tests.translations import check_translations

from jackfield.dialects import Dialect, installed
from jackfield.framing import NDJSON
from jackfield.messages import ChatRequest, Message, Text
from jackfield.testing import FakeUpstream, run_gateway
from jackfield.testing.recorded import check_recorded, events_of, without_nulls
from jackfield_ollama.endpoints import CHAT, EMBEDDINGS, GENERATE

pytestmark = needs_corpus
PATHS: dict[str, Dialect] = {
    "/api/chat": CHAT,
    "/api/generate": GENERATE,
    "/api/embeddings": EMBEDDINGS,
}
ALL = exchanges("ollama")
ANSWERED = [exchange for exchange in ALL if exchange.status == 200]
CHATS = [exchange for exchange in ANSWERED if exchange.expect]
REQUEST = ChatRequest("m", (Message("user", (Text("Hi"),)),), stream=True, include_usage=True)
OPENAI = installed("openai.chat")


def is_lines(exchange: Exchange) -> bool:
    return bool(exchange.response["body_kind"] == "ndjson")


def dialect_of(exchange: Exchange) -> Dialect:
    return PATHS[exchange.request["path"]]


def each(found: list[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("exchange", [pytest.param(one, id=one.id) for one in found])


def expected(exchange: Exchange) -> tuple[str, str, list[Any], Any]:
    calls = [(call["name"], call["arguments"]) for call in exchange.expect["tool_calls"]]
    usage = exchange.expect["usage"]
    counted = (usage.get("prompt_eval_count"), usage.get("eval_count"))
    return exchange.expect["text"], exchange.expect["reasoning"], calls, counted


test_recorded_chats = check_recorded(
    CHAT, recordings("ollama", "chat", "chat_stream"), plain_request=without_nulls
)
test_recorded_generations = check_recorded(
    GENERATE, recordings("ollama", "completions", "completions_stream"), plain_request=without_nulls
)
test_recorded_embeddings = check_recorded(
    EMBEDDINGS, recordings("ollama", "embeddings"), plain_request=without_nulls
)


@each([exchange for exchange in ANSWERED if is_lines(exchange)])
def test_a_recorded_stream_has_the_same_lines_when_it_is_written(exchange: Exchange) -> None:
    dialect = dialect_of(exchange)
    renderer = dialect.stream_renderer(REQUEST)
    lines = NDJSON.split(b"".join(map(renderer.render, events_of(dialect, exchange.body))))
    again, recorded = map(json.loads, lines), map(json.loads, exchange.body.splitlines())
    for new, old in zip(again, recorded, strict=True):
        assert new | {"created_at": 0} == old | {"created_at": 0}


class OllamaReader:
    """Reads answers with Ollama's own client."""

    DIALECT = CHAT.name

    def read(self, body: bytes) -> Answer:
        """A whole answer, which is a stream of one line."""
        return self.read_stream(body)

    def read_stream(self, wire: bytes) -> Answer:
        """A stream of lines."""
        lines = [SdkChat.model_validate_json(line) for line in NDJSON.split(wire)]
        messages, last = [line.message for line in lines], lines[-1]
        calls = [call.function for message in messages for call in message.tool_calls or ()]
        return Answer(
            "".join(message.content or "" for message in messages),
            "".join(message.thinking or "" for message in messages),
            tuple((call.name, call.arguments) for call in calls),
            "tool_calls" if calls and last.done_reason == "stop" else last.done_reason,
            count(input=last.prompt_eval_count, output=last.eval_count),
        )


test_chat_clients_read_ollamas_answers = check_translations("ollama.chat", "chat")
test_responses_clients_read_ollamas_answers = check_translations("ollama.chat", "responses")
UNTOLD = ("usage.audio_*", "usage.cache*", "usage.reasoning")
HARM = ("audio", "refusals", "tools.custom", "tools.arguments", "images", "images.url")

test_ollamas_client_reads_chat_completions = check_translations(
    "openai.chat",
    OllamaReader(),
    losses=("n", "citations", "reasoning.*"),
    harm=HARM,
    untold=UNTOLD,
)
test_ollamas_client_reads_responses = check_translations(
    "openai.responses",
    OllamaReader(),
    losses=("messages.*", "citations", "reasoning.*"),
    harm=HARM,
    untold=UNTOLD,
)


def test_recorded_requests_of_openai_are_ones_of_ollama() -> None:
    from ollama._types import ChatRequest as SdkRequest  # noqa: PLC0415 - private, for this alone

    count = 0
    for exchange in exchanges("openai_chat"):
        if exchange.request_tree is None or exchange.id == "openai-chat-ba5887a321":
            continue  # no JSON, or a user who says nothing: its vendor has refused it as well
        rendered = CHAT.render_request(OPENAI.parse_request(exchange.request_tree, {}))
        tree = msgspec.json.decode(rendered.body)
        for message in tree["messages"]:
            message.pop("images", None)  # the SDK wants files or bytes where the API has base64
        for tool in tree.get("tools", ()):
            tool["function"].pop("parameters", None)  # any schema is good, not the SDK's alone
        SdkRequest.model_validate(tree)
        count += 1
    assert count > 400


@pytest.mark.parametrize("size", [97, 0])
async def test_its_openai_form_passes_byte_for_byte(size: int) -> None:
    async with FakeUpstream() as upstream:
        toml = f'[providers.up]\nuse = "ollama"\nbase_url = "{upstream.base_url}"'
        async with run_gateway(toml) as gateway:
            for exchange in exchanges("openai_chat", provider="ollama"):
                if exchange.status != 200:
                    continue
                body, step = exchange.body, size or len(exchange.body)
                if exchange.streams:
                    upstream.stream([body[at : at + step] for at in range(0, len(body), step)])
                else:
                    upstream.reply(body)
                tree = exchange.request_tree
                sent = json.dumps(tree | {"model": f"up/{tree['model']}"}).encode()
                answer = await gateway.post("/ollama/v1/chat/completions", body=sent)
                assert await answer.read() == body, exchange.id
                assert upstream.requests[-1].body == json.dumps(tree).encode()
                assert upstream.requests[-1].path == "/v1/chat/completions"


@pytest.mark.parametrize("size", [1, 7, 0])
async def test_recorded_traffic_passes_byte_for_byte(size: int) -> None:
    async with FakeUpstream() as upstream:
        toml = f'[providers.up]\nuse = "ollama"\nbase_url = "{upstream.base_url}"'
        async with run_gateway(toml) as gateway:
            for exchange in ANSWERED:
                body, step = exchange.body, size or len(exchange.body)
                if is_lines(exchange):
                    parts = [body[at : at + step] for at in range(0, len(body), step)]
                    upstream.stream(parts, content_type="application/x-ndjson")
                else:
                    upstream.reply(body)
                tree = exchange.request_tree
                path = exchange.request["path"]
                sent = tree | {"model": f"up/{tree['model']}"}
                answer = await gateway.post(f"/ollama{path}", body=json.dumps(sent).encode())
                assert await answer.read() == body, exchange.id
                assert upstream.requests[-1].body == json.dumps(tree).encode()
                assert upstream.requests[-1].path == path
