"""The chat dialect against every recorded exchange of every compatible provider."""

import json
from typing import Any

import msgspec
import pytest
from attrs import evolve
from msgspec.structs import replace
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from tests.corpus import by_id, needs_corpus
from tests.counters import of_openai_chat
from tests.recordings import recordings

from jackfield import sse
from jackfield.messages import ChatRequest, ChatResponse
from jackfield.testing.recorded import (
    AnswerContent,
    Recorded,
    check_recorded,
    content_of,
    content_of_events,
    events_of,
    tokens_of,
)
from jackfield_openai.chat import ChatDialect

pytestmark = needs_corpus
CHAT = ChatDialect()
ALL = recordings("openai_chat")
ANSWERS = [one for one in ALL if one.status == 200 and not one.streams]
STREAMS = [one for one in ALL if one.status == 200 and one.streams]
PLAIN = ChatRequest("m", (), stream=True, include_usage=True)


def each(found: list[Recorded]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("one", found, ids=lambda one: str(one.id))


def bare(value: Any) -> Any:
    """The canonical value as another dialect would have made it: without our extensions."""
    if isinstance(value, tuple):
        return tuple(bare(item) for item in value)
    if not isinstance(value, msgspec.Struct):
        return value
    found = {name: bare(getattr(value, name)) for name in value.__struct_fields__}
    return type(value)(**(found | ({"extensions": {}} if "extensions" in found else {})))


def plain(value: Any) -> Any:
    """The JSON without nulls, and with what clients rely on where a provider leaves it out."""
    if isinstance(value, list):
        return [plain(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: plain(one) for key, one in value.items() if one is not None}
    if isinstance(found.get("function"), dict):
        found = {"type": "function", **found}
    return found


WITHOUT_IDS = (
    *("gemini-chat-c6910fa489", "openrouter-chat-8992e2a67f", "snowflake-chat-0d0f65c84d"),
    *("snowflake-chat-329547dd62", "snowflake-chat-7b9570e78b", "snowflake-chat-882f030fe1"),
    "snowflake-chat-8fb72324b3",
)
NEVER_FINISHED = ("openai-chat-stream-515683c635", "snowflake-chat-stream-41abd0e356")
BROKEN_OFF = ("groq-chat-stream-e310341b55", "openrouter-chat-stream-f0e5b70efb")

test_recorded_chats = check_recorded(
    CHAT,
    ALL,
    plain_request=plain,
    plain_answer=plain,
    skip={
        "requests-come-back-openai-chat-ba5887a321": "its user says nothing, and was refused",
        "requests-come-back-writer-chat-stream-2eaac119d0": "its call has no id, and gets one",
        **{f"answers-come-back-{one}": "its ids are empty, and made up" for one in WITHOUT_IDS},
        **{f"streams-come-back-{one}": "it gets a finish" for one in NEVER_FINISHED},
        **{f"streams-finish-{one}": "it has no finish" for one in (*NEVER_FINISHED, *BROKEN_OFF)},
    },
)


def nameless(value: Any) -> Any:
    """The JSON without names, and with the arguments of calls that need none."""
    if isinstance(value, list):
        return [nameless(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: nameless(one) for key, one in plain(value).items()}
    if "name" in found:
        found = {"arguments": "{}", **found}
    return {key: one for key, one in found.items() if key not in ("id", "model", "tool_call_id")}


@each([one for one in ALL if one.id in WITHOUT_IDS])
def test_an_answer_without_names_gets_some(one: Recorded) -> None:
    rendered = CHAT.render_response(CHAT.parse_response(one.answer), PLAIN)
    again = json.loads(rendered.body)
    ids = [call["id"] for call in again["choices"][0]["message"].get("tool_calls") or ()]
    assert all([again["id"], again["model"], *ids])
    assert nameless(again) == nameless(json.loads(one.answer))
    assert rendered.losses == ()


@each([one for one in STREAMS if one.id in NEVER_FINISHED])
def test_a_stream_that_never_finishes_is_the_same_when_it_is_written(one: Recorded) -> None:
    events = events_of(CHAT, one.answer)
    renderer = CHAT.stream_renderer(PLAIN)
    again = events_of(CHAT, b"".join(map(renderer.render, events)))
    assert not list(content_of_events(events).differences(content_of_events(again)))
    assert renderer.losses == []


@each([one for one in STREAMS if one.id in BROKEN_OFF])
def test_what_was_counted_before_an_error_is_known(one: Recorded) -> None:
    meter = CHAT.usage_meter()
    meter.feed(one.answer)
    usage = by_id(one.id).expect.get("usage")
    assert tokens_of(meter.usage()) == tokens_of(usage and of_openai_chat(usage))


@each(ANSWERS)
def test_an_answer_of_another_dialect_is_plain_openai(one: Recorded) -> None:
    response = CHAT.parse_response(one.answer)
    rendered = CHAT.render_response(bare(response), PLAIN)
    ChatCompletion.model_validate_json(rendered.body)
    again = CHAT.parse_response(rendered.body)
    assert len(again.choices) == len(response.choices)
    for expected, found in zip(contents_of(response), contents_of(again), strict=True):
        assert not list(expected.differences(found))


def contents_of(response: ChatResponse) -> list[AnswerContent]:
    """What each choice says."""
    choices = [replace(choice, finish_detail=None) for choice in response.choices]
    return [content_of(replace(response, choices=(choice,))) for choice in choices]


@each([one for one in STREAMS if one.id not in BROKEN_OFF])
def test_a_stream_of_another_dialect_is_plain_openai(one: Recorded) -> None:
    events = events_of(CHAT, one.answer)
    renderer = CHAT.stream_renderer(PLAIN)
    wire = b"".join(renderer.render(bare(event)) for event in events)
    datas = [sse.data_of(event) or b"" for event in sse.split(wire)]
    assert datas.pop() == b"[DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(data) for data in datas]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert choices[0].delta.role == "assistant"
    for index in {choice.index for choice in choices}:
        assert sum(c.finish_reason is not None for c in choices if c.index == index) == 1
    assert len({chunk.id for chunk in chunks}) == 1
    content = evolve(content_of_events(events), finish=None, usage=None)
    assert not list(content.differences(content_of_events(events_of(CHAT, wire))))
