"""Ollama's recorded traffic in its own dialects, and read by clients of others."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from ollama import ChatResponse as SdkChat
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.events import StreamEvent
from jackfield.framing import NDJSON
from jackfield.messages import ChatRequest, Message, Text
from jackfield.testing import FakeUpstream, run_gateway
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
ASK = ChatRequest("m", (Message("user", (Text("Hi"),)),), stream=True, include_usage=True)
OPENAI = installed("openai.chat")


def is_lines(exchange: Exchange) -> bool:
    return bool(exchange.response["body_kind"] == "ndjson")


def dialect_of(exchange: Exchange) -> Dialect:
    return PATHS[exchange.request["path"]]


def each(found: list[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("exchange", [pytest.param(one, id=one.id) for one in found])


def plain(value: Any) -> Any:
    """The value without members that are null, which is as good as leaving them out."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if member is not None}
    return [plain(item) for item in value] if isinstance(value, list) else value


def events_of(dialect: Dialect, body: bytes, size: int = 0) -> list[StreamEvent]:
    framer, parser = dialect.framing.framer(), dialect.stream_parser()
    found: list[StreamEvent] = []
    for at in range(0, len(body), size or len(body)):
        for event in dialect.framing.split(framer.feed(body[at : at + (size or len(body))])):
            found += parser.feed(event)
    return [*found, *parser.close()]


def expected(exchange: Exchange) -> tuple[str, str, list[Any], Any]:
    calls = [(call["name"], call["arguments"]) for call in exchange.expect["tool_calls"]]
    usage = exchange.expect["usage"]
    counted = (usage.get("prompt_eval_count"), usage.get("eval_count"))
    return exchange.expect["text"], exchange.expect["reasoning"], calls, counted


@each(list(ALL))
def test_a_recorded_request_survives_the_canonical_form(exchange: Exchange) -> None:
    dialect, tree = dialect_of(exchange), exchange.request_tree
    assert dialect.peek(tree, {}).model == tree["model"]
    rendered = dialect.render_request(dialect.parse_request(tree, {}))
    assert plain(msgspec.json.decode(rendered.body)) == plain(tree)
    assert rendered.losses == ()


@each([exchange for exchange in ANSWERED if not is_lines(exchange)])
def test_a_recorded_answer_survives_the_canonical_form(exchange: Exchange) -> None:
    dialect = dialect_of(exchange)
    asked = dialect.parse_request(exchange.request_tree, {})
    rendered = dialect.render_response(dialect.parse_response(exchange.body), asked)
    assert msgspec.json.decode(rendered.body) == json.loads(exchange.body)
    assert rendered.losses == ()


@pytest.mark.parametrize("size", [1, 7, 0])
@each([exchange for exchange in ANSWERED if is_lines(exchange)])
def test_a_recorded_stream_survives_the_canonical_form(exchange: Exchange, size: int) -> None:
    dialect = dialect_of(exchange)
    renderer = dialect.stream_renderer(ASK)
    events = events_of(dialect, exchange.body, size)
    lines = NDJSON.split(b"".join(map(renderer.render, events)))
    again, recorded = map(json.loads, lines), map(json.loads, exchange.body.splitlines())
    for new, old in zip(again, recorded, strict=True):
        assert new | {"created_at": 0} == old | {"created_at": 0}
    assert renderer.losses == []


@each([exchange for exchange in ANSWERED if is_lines(exchange)])
def test_only_the_last_line_ends_a_recorded_stream(exchange: Exchange) -> None:
    dialect = dialect_of(exchange)
    *others, last = NDJSON.split(exchange.body)
    assert dialect.terminal(last) == "end"
    assert {dialect.terminal(line) for line in others} == {None}
    assert any(hint in last for hint in dialect.terminal_hints)


@each(CHATS)
def test_openais_clients_read_what_was_answered(exchange: Exchange) -> None:
    if is_lines(exchange):
        message, finish, usage = _streamed(exchange)
    else:
        rendered = OPENAI.render_response(CHAT.parse_response(exchange.body), ASK)
        completion = ChatCompletion.model_validate_json(rendered.body)
        message = completion.choices[0].message.model_dump()
        finish, usage = completion.choices[0].finish_reason, completion.usage
    calls = [call["function"] for call in message["tool_calls"] or ()]
    told = [(call["name"], json.loads(call["arguments"])) for call in calls]
    counted = (usage.prompt_tokens, usage.completion_tokens) if usage else None
    read = (message["content"] or "", message.get("reasoning_content") or "", told, counted)
    assert read == expected(exchange)
    assert finish == ("tool_calls" if told else exchange.expect["finish"])


def _streamed(exchange: Exchange) -> tuple[dict[str, Any], str | None, Any]:
    renderer = OPENAI.stream_renderer(ASK)
    wire = b"".join(map(renderer.render, events_of(CHAT, exchange.body, 7)))
    datas = [sse.data_of(event) or b"" for event in sse.split(wire)]
    assert datas.pop() == b"[DONE]"
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "tool_calls": None}
    finish = usage = None
    for chunk in map(ChatCompletionChunk.model_validate_json, datas):
        usage = chunk.usage or usage
        for choice in chunk.choices:
            finish = choice.finish_reason or finish
            for key in ("content", "reasoning_content"):
                message[key] += choice.delta.model_dump().get(key) or ""
    return message, finish, usage


@each([exchange for exchange in CHATS if not is_lines(exchange)])
def test_clients_of_responses_read_what_was_answered(exchange: Exchange) -> None:
    answer = CHAT.parse_response(exchange.body)
    body = installed("openai.responses").render_response(answer, ASK).body
    response = Response.model_validate_json(body)
    text, thought, calls, counted = expected(exchange)
    assert response.output_text == text
    named = [item for item in response.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in named] == calls
    thoughts = [item for item in response.output if item.type == "reasoning"]
    assert json.dumps(thought)[1:-1] in body.decode() or thoughts or not thought
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == counted


def value_of(arguments: Any) -> Any:
    return json.loads(arguments) if isinstance(arguments, str) and arguments else arguments or {}


def wanted_of(exchange: Exchange) -> tuple[str, str, list[Any]]:
    calls = [c for c in exchange.expect["tool_calls"] if c["name"]]
    named = [(call["name"], value_of(call["arguments"])) for call in calls]
    return exchange.expect["text"], exchange.expect["reasoning"].replace("\n", ""), named


def read_by_sdk(wire: bytes) -> tuple[str, str, list[Any]]:
    """What Ollama's client makes of an answer or a stream of one."""
    lines = [line for line in map(json.loads, NDJSON.split(wire)) if "error" not in line]
    read = [SdkChat.model_validate(line).message for line in lines]
    calls = [call.function for message in read for call in message.tool_calls or ()]
    thought = "".join(message.thinking or "" for message in read)
    told = [(call.name, call.arguments) for call in calls]
    return "".join(m.content or "" for m in read), thought.replace("\n", ""), told


NOT_OF_OLLAMA = {"audio", "refusals", "tools.custom", "tools.arguments", "images.url"}
"""Losses with which an answer reads otherwise than it was given."""

UNLIKE_EXPECTED = ("snowflake",)
"""Their thoughts and blocks of content were not read."""


def others(dialect: str, operation: str) -> list[Exchange]:
    found = [e for e in exchanges(dialect, operation) if e.status == 200 and e.expect]
    return [exchange for exchange in found if exchange.provider not in UNLIKE_EXPECTED]


@pytest.mark.parametrize(
    ("name", "recorded"), [("openai.chat", "openai_chat"), ("openai.responses", "openai_responses")]
)
def test_ollamas_client_reads_what_openai_answered(name: str, recorded: str) -> None:
    dialect, lost, read = installed(name), Counter[str](), 0
    for exchange in others(recorded, recorded.removeprefix("openai_")):
        rendered = CHAT.render_response(dialect.parse_response(exchange.body), ASK)
        features = {loss.feature for loss in rendered.losses}
        lost.update(features)
        if features & NOT_OF_OLLAMA or b'"images"' in rendered.body:
            continue
        assert read_by_sdk(rendered.body) == wanted_of(exchange), exchange.id
        read += 1
    assert read > 0.9 * len(others(recorded, recorded.removeprefix("openai_")))


@pytest.mark.parametrize(
    ("name", "recorded"), [("openai.chat", "openai_chat"), ("openai.responses", "openai_responses")]
)
def test_ollamas_client_reads_what_openai_streamed(name: str, recorded: str) -> None:
    dialect = installed(name)
    for exchange in others(recorded, f"{recorded.removeprefix('openai_')}_stream"):
        renderer = CHAT.stream_renderer(ASK)
        wire = b"".join(map(renderer.render, events_of(dialect, exchange.body, 7)))
        if {loss.feature for loss in renderer.losses} & NOT_OF_OLLAMA:
            continue
        assert read_by_sdk(wire) == wanted_of(exchange), exchange.id


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


def test_clients_of_responses_read_what_was_streamed() -> None:
    for exchange in filter(is_lines, CHATS):
        renderer = installed("openai.responses").stream_renderer(ASK)
        wire = b"".join(map(renderer.render, events_of(CHAT, exchange.body, 7)))
        last = msgspec.json.decode(sse.data_of(sse.split(wire)[-1]) or b"")
        response = Response.model_validate(last["response"])
        assert response.output_text == exchange.expect["text"]
        thought = json.dumps(exchange.expect["reasoning"], ensure_ascii=False)
        assert thought in json.dumps(last, ensure_ascii=False)


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
