"""What the chat models say, whole and as a stream."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.events import (
    Ended,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Image,
    Message,
    Part,
    Reasoning,
    ReasoningRequest,
    Refusal,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
)
from jackfield_demo.answers import answer
from jackfield_demo.catalogue import CHAT_MODELS
from jackfield_demo.conversation import read_conversation
from jackfield_demo.stream import events_of

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "The weather of a city", CITY)
CLOCK = Tool("localTime", None, CITY)


def _request(text: str, **fields: Any) -> ChatRequest:
    return ChatRequest("echo", (Message("user", (Text(text),)),), **fields)


def _answer(request: ChatRequest, base: str = "echo") -> ChatResponse:
    return answer(base, request, read_conversation(request), id="demo-1", created=7)


def _parts_of(response: ChatResponse) -> tuple[Part, ...]:
    return response.choices[0].message.parts


def _assembled(events: list[StreamEvent]) -> ChatResponse:
    """Put a stream together, as a client would."""
    started, *deltas, reported, ended = events
    assert isinstance(started, Started)
    assert isinstance(reported, UsageReported)
    assert ended == Ended()
    parts: dict[int, dict[int, Part]] = {}
    reasons: dict[int, Any] = {}
    for event in deltas:
        if isinstance(event, Finished):
            reasons[event.choice] = event.reason
            continue
        own = parts.setdefault(event.choice, {})  # type: ignore[union-attr]
        _add(own, event)
    choices = tuple(
        Choice(Message("assistant", tuple(parts.get(at, {}).values())), reason)
        for at, reason in reasons.items()
    )
    return ChatResponse(started.id, started.model, choices, reported.usage, started.created)


def _add(own: dict[int, Part], event: StreamEvent) -> None:
    kinds = {TextDelta: Text, RefusalDelta: Refusal, ReasoningDelta: Reasoning}
    match event:
        case TextDelta() | RefusalDelta() | ReasoningDelta():
            part = own.setdefault(event.part, kinds[type(event)](""))
            assert isinstance(part, Text | Refusal | Reasoning)
            own[event.part] = replace(part, text=part.text + event.text)
        case ToolCallStarted():
            own[event.part] = ToolCall(event.id, event.name, "", event.kind)
        case ToolCallDelta():
            call = own[event.part]
            assert isinstance(call, ToolCall)
            own[event.part] = replace(call, arguments=call.arguments + event.arguments)


_requests = st.builds(
    _request,
    st.text(max_size=60) | st.sampled_from(["weather in Paris", "the local time, “Oslo”", "a\n b"]),
    n=st.none() | st.integers(1, 3),
    max_tokens=st.none() | st.integers(0, 40),
    stop=st.lists(st.sampled_from(["You", "a", " ", "zzz", ""]), max_size=2).map(tuple),
    tools=st.sampled_from([(), (WEATHER,), (WEATHER, CLOCK), (Tool("note", kind="custom"),)]),
    tool_choice=st.sampled_from([None, ToolChoice("none"), ToolChoice("required")]),
    reasoning=st.sampled_from([None, ReasoningRequest("high"), ReasoningRequest("none")]),
    response_format=st.sampled_from(
        [None, ResponseFormat("json_object"), ResponseFormat("json_schema", schema=CITY)]
    ),
)


@given(_requests, st.sampled_from(list(CHAT_MODELS)))
def test_a_stream_put_together_is_the_whole_answer(request: ChatRequest, base: str) -> None:
    whole = _answer(request, base)
    assert _assembled(list(events_of(whole))) == whole
    assert _answer(request, base) == whole


def test_echo_repeats_the_last_message_of_the_user() -> None:
    request = _request("Hello!")
    turns = (*request.messages, Message("assistant", (Text("hi"),)), *_request("Bye!").messages)
    assert _parts_of(_answer(replace(request, messages=turns))) == (Text("You said: Bye!"),)


def test_pictures_are_mentioned_and_counted() -> None:
    message = Message("user", (Text("Look"), Image(url="https://example.com/a.png")))
    response = _answer(ChatRequest("echo", (message,)))
    assert _parts_of(response) == (Text("You said: Look (with 1 attached)"),)
    assert response.usage == Usage(86, 7)


@pytest.mark.parametrize("messages", [(), (Message("system", (Text("Be brief"),)),)])
def test_an_empty_conversation_gets_an_answer(messages: tuple[Message, ...]) -> None:
    assert _parts_of(_answer(ChatRequest("chat", messages), "chat"))


def test_chat_mentions_the_question() -> None:
    (text,) = _parts_of(_answer(_request("Why is the sea blue?"), "chat"))
    assert isinstance(text, Text)
    assert text.text.startswith("You asked: “Why is the sea blue?”.")


def test_thinking_comes_first_and_is_counted() -> None:
    for response in (
        _answer(_request("Hm"), "think"),
        _answer(_request("Hm", reasoning=ReasoningRequest(budget_tokens=9))),
    ):
        assert [type(part) for part in _parts_of(response)] == [Reasoning, Text]
        assert response.usage is not None
        assert response.usage.output_tokens > response.usage.reasoning_tokens > 0


def test_the_model_refuse_answers_with_a_refusal() -> None:
    (part,) = _parts_of(_answer(_request("Hm"), "refuse"))
    assert isinstance(part, Refusal)


def test_the_limit_of_tokens_cuts_the_answer() -> None:
    response = _answer(_request("one two three", max_tokens=3))
    assert _parts_of(response) == (Text("You said: one"),)
    assert response.choices[0].finish_reason == "length"
    assert response.usage == Usage(3, 3)


def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    response = _answer(_request("one two three", stop=("three", " two", "nine")))
    assert _parts_of(response) == (Text("You said: one"),)
    assert response.choices[0].finish_reason == "stop"


def test_the_usage_counts_the_tokens_of_all_choices() -> None:
    response = _answer(_request("Hello", n=3))
    assert len(response.choices) == 3
    assert response.usage == Usage(1, 9)


@pytest.mark.parametrize("n", [0, 17, -1])
def test_too_many_choices_are_refused(n: int) -> None:
    with pytest.raises(InvalidRequest, match="between 1 and 16"):
        _answer(_request("Hello", n=n))


def test_json_fits_the_requested_schema() -> None:
    wanted = ResponseFormat("json_schema", schema=CITY)
    (text,) = _parts_of(_answer(_request("I live in Oslo", response_format=wanted)))
    assert text == Text('{"city": "Oslo"}')
    (text,) = _parts_of(_answer(_request("Hi", response_format=ResponseFormat("json_object"))))
    assert isinstance(text, Text)
    assert json.loads(text.text) == {"answer": "You said: Hi"}


def test_a_schema_that_cannot_be_filled_in_is_refused() -> None:
    wanted = ResponseFormat("json_schema", schema={"enum": 1})
    with pytest.raises(InvalidRequest, match="malformed") as refusal:
        _answer(_request("Hi", response_format=wanted))
    assert refusal.value.param == "response_format"
