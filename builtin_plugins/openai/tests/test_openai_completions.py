"""The completions dialect."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from openai.types import Completion
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Peek
from jackfield.errors import InvalidRequest, ProviderError
from jackfield.events import (
    Ended,
    Failed,
    Finished,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    UsageReported,
)
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Message,
    Reasoning,
    Text,
    Tool,
    Usage,
)
from jackfield_openai.chat import ChatDialect
from jackfield_openai.completions import CompletionsDialect

COMPLETIONS = CompletionsDialect()
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
RECORDED = [
    exchange
    for exchange in exchanges("openai_completions")
    if exchange.status == 200 and exchange.provider != "writer"  # whose chunks are {"value": …}
]


def each(found: Iterable[Exchange]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "exchange", [pytest.param(exchange, id=exchange.id) for exchange in found]
    )


def is_one_text(prompt: Any) -> bool:
    return isinstance(prompt[0] if isinstance(prompt, list) else prompt, str)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def parse(*events: bytes) -> list[StreamEvent]:
    parser = COMPLETIONS.stream_parser()
    return [found for event in events for found in parser.feed(event)]


@pytest.mark.parametrize(
    "tree",
    [
        {"model": "m", "prompt": "p"},
        {"model": "m", "prompt": ["p"], "max_tokens": 5, "stop": "x", "stream": False},
        {"model": "m", "prompt": "p", "suffix": "s", "echo": True, "best_of": 2, "logprobs": 3},
        {"model": "m", "prompt": "p", "stream": True, "stream_options": {"include_usage": True}},
        {"model": "m", "prompt": "", "temperature": None, "vendor": [1], "echo": False},
    ],
)
def test_requests_come_back_as_they_were_written(tree: dict[str, Any]) -> None:
    rendered = COMPLETIONS.render_request(COMPLETIONS.parse_request(tree, {}))
    assert json.loads(rendered.body) == tree
    assert rendered.losses == ()


def test_a_prompt_becomes_a_chat_and_what_chats_cannot_do_is_lost() -> None:
    tree = {"model": "m", "prompt": "p", "suffix": "s", "echo": True, "logprobs": 3, "stop": "x"}
    request = COMPLETIONS.parse_request(tree, {})
    rendered = ChatDialect().render_request(request)
    messages = json.loads(rendered.body)["messages"]
    assert messages == [{"role": "user", "content": "p"}]
    lost = [loss.feature for loss in rendered.losses]
    assert lost == ["messages.suffix", "messages.echo", "messages.logprobs"]


@pytest.mark.parametrize("prompt", [None, [], ["a", "b"], [1, 2], [[1]], 5])
def test_a_prompt_that_is_not_one_text_cannot_be_translated(prompt: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        COMPLETIONS.parse_request({"model": "m", "prompt": prompt}, {})
    assert caught.value.param == "prompt"


def test_peek_accepts_what_can_only_be_passed_through() -> None:
    tree = {"model": "m", "prompt": [[1]], "stream": True, "max_tokens": 5}
    assert COMPLETIONS.peek(tree, {}) == Peek("m", True, 5)


def test_a_conversation_becomes_one_prompt_with_losses() -> None:
    messages = (Message("system", (Text("s"),)), Message("user", (Text("u"), Reasoning("r"))))
    rendered = COMPLETIONS.render_request(
        ChatRequest("m", messages, tools=(Tool("f"),), max_tokens=5)
    )
    assert json.loads(rendered.body) == {"model": "m", "prompt": "s\n\nu", "max_tokens": 5}
    lost = [loss.feature for loss in rendered.losses]
    assert lost == ["tools", "messages.conversation", "messages.reasoning"]


def test_an_answer_is_a_text_completion() -> None:
    message = Message("assistant", (Reasoning("t"), Text("a"), Text("b")))
    response = ChatResponse("c", "m", (Choice(message, "length"),), Usage(1, 2), 7)
    rendered = COMPLETIONS.render_response(response, REQUEST)
    completion = Completion.model_validate_json(rendered.body)
    assert (completion.object, completion.created) == ("text_completion", 7)
    assert (completion.choices[0].text, completion.choices[0].finish_reason) == ("ab", "length")
    assert [loss.feature for loss in rendered.losses] == ["messages.reasoning"]


def test_a_stream_of_another_dialect_is_a_stream_of_completions() -> None:
    renderer = COMPLETIONS.stream_renderer(REQUEST)
    events: tuple[StreamEvent, ...] = (
        Started("c", "m", 1),
        ReasoningDelta(0, "t"),
        TextDelta(1, "a"),
        Finished("stop"),
        Finished("stop"),
        UsageReported(Usage(1, 2)),
        Ended(),
    )
    wire = sse.split(b"".join(map(renderer.render, events)))
    assert wire.pop() == b"data: [DONE]\n\n"
    chunks = [json.loads(sse.data_of(event) or b"") for event in wire]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    assert [(c["text"], c["finish_reason"]) for c in choices] == [("a", None), ("", "stop")]
    assert chunks[-1]["usage"]["total_tokens"] == 3
    assert [loss.feature for loss in renderer.losses] == ["messages.reasoning"]


def test_an_unfinished_stream_is_finished_at_its_end() -> None:
    renderer = COMPLETIONS.stream_renderer(REQUEST)
    wire = renderer.render(TextDelta(0, "a")) + renderer.render(Ended())
    assert wire.count(b'"finish_reason":"stop"') == 1
    assert wire.endswith(b"data: [DONE]\n\n")


def test_errors_and_junk_in_a_stream() -> None:
    assert parse(b'data: {"error": {"message": "No."}}\n\n') == [Failed("No.")]
    for junk in (b"data: {\n\n", b'data: {"choices": [5]}\n\n', b'data: {"choices": 5}\n\n'):
        with pytest.raises(ProviderError):
            parse(junk)


@needs_corpus
@each(RECORDED)
def test_recorded_completions_survive_the_canonical_form(exchange: Exchange) -> None:
    if is_one_text(exchange.request_tree["prompt"]):
        request = COMPLETIONS.parse_request(exchange.request_tree, {})
        body = COMPLETIONS.render_request(request).body
        assert without_nulls(json.loads(body)) == without_nulls(exchange.request_tree)
    if not exchange.streams:
        rendered = COMPLETIONS.render_response(COMPLETIONS.parse_response(exchange.body), REQUEST)
        assert without_nulls(json.loads(rendered.body)) == without_nulls(json.loads(exchange.body))


@needs_corpus
@each(exchange for exchange in RECORDED if exchange.streams)
def test_recorded_streams_rendered_anew_say_the_same(exchange: Exchange) -> None:
    events = parse(*sse.split(exchange.body))
    assert events[-1] == Ended()
    renderer = COMPLETIONS.stream_renderer(REQUEST)
    assert parse(*sse.split(b"".join(map(renderer.render, events)))) == events
