"""Thoughts of other vendors in chat messages: shown, and back in their places with their proofs."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from openai.lib.streaming._deltas import accumulate_delta
from openai.types.chat import ChatCompletion
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield.dialects import Loss
from jackfield.events import (
    CitationAdded,
    Ended,
    Finished,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    Message,
    Part,
    Reasoning,
    Text,
    ToolCall,
)
from jackfield.proofs import seal
from jackfield_openai.endpoints import CHAT, RESPONSES

RECORDED = [
    exchange
    for exchange in exchanges("openai_responses")
    if exchange.status == 200 and "encrypted_content" in exchange.body.decode()
]
REQUEST = ChatRequest("m", (), include_usage=True)
ANTHROPIC = {"anthropic.messages": {"$kind": "thinking"}}
NEXT = {"gemini.generate_content": {"$of": "next"}}


def thought(text: str, signature: str) -> Reasoning:
    return Reasoning(text, signature=signature, extensions=ANTHROPIC)


REDACTED = Reasoning(encrypted="EmwKAh==", extensions={"anthropic.messages": {"$redacted": True}})
SIGNED_NEXT = Reasoning(signature="CiQB", extensions=NEXT)
SUMMARY = Reasoning("Sum.", id="rs_1", encrypted="gAAA", summary=True, extensions={"openai.x": {}})
CALL_1, CALL_2 = ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "g", "{}")

TURNS: list[tuple[Part, ...]] = [
    (thought("Hm.", "s1"), Text("Yes.")),
    (thought("One.", "s1"), thought("Two.", "s2"), REDACTED, Text("Yes."), CALL_1),
    (thought("One.", "s1"), CALL_1, thought("Two.", "s2"), CALL_2),
    (Text("Let me see."), SIGNED_NEXT, CALL_1, CALL_2),
    (SIGNED_NEXT, Text("Yes.")),
    (thought("One.", "s1"), Text("First."), CALL_1, thought("Two.", "s2"), Text("Then."), CALL_2),
    (Text("First."), REDACTED, Text("Then."), SIGNED_NEXT),
    (SUMMARY, replace(SUMMARY, text="", id="rs_2"), CALL_1),
    (Reasoning("Unsigned.", extensions={"ollama.chat": {}}), Text("Yes.")),
]


def whole(parts: Sequence[Part]) -> dict[str, Any]:
    message, losses = answered(parts)
    assert losses == ()
    return message


def answered(parts: Sequence[Part]) -> tuple[dict[str, Any], Sequence[Loss]]:
    """The message as the official SDK gives it back."""
    choice = Choice(Message("assistant", tuple(parts)), "stop")
    rendered = CHAT.render_response(ChatResponse("r", "m", (choice,)), REQUEST)
    completion = ChatCompletion.model_validate_json(rendered.body)
    return completion.choices[0].message.model_dump(), rendered.losses


def events_of(parts: Sequence[Part]) -> list[StreamEvent]:
    events: list[StreamEvent] = [Started("r", "m")]
    for at, part in enumerate(parts):
        match part:
            case Text():
                events += [TextDelta(at, part.text[:2]), TextDelta(at, part.text[2:])]
            case ToolCall():
                events.append(ToolCallStarted(at, part.id, part.name))
                events.append(ToolCallDelta(at, part.arguments))
            case Reasoning():
                events += thinking(at, part)
    return [*events, Finished("stop"), Ended()]


def thinking(at: int, part: Reasoning) -> list[StreamEvent]:
    """The deltas of a thought as vendors send them: text first, its proof last."""
    proof = ReasoningDelta(
        at,
        id=part.id,
        signature=part.signature,
        encrypted=part.encrypted,
        summary=part.summary,
        extensions=part.extensions,
    )
    texts = [ReasoningDelta(at, piece) for piece in (part.text[:2], part.text[2:]) if piece]
    return [*texts, proof]


def streamed(parts: Sequence[Part]) -> dict[str, Any]:
    message, losses = put_together(events_of(parts))
    assert losses == []
    return message


def put_together(events: Sequence[StreamEvent]) -> tuple[dict[str, Any], Sequence[Loss]]:
    """The message that the official SDK puts together of the chunks."""
    renderer = CHAT.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, events))
    message: dict[Any, Any] = {}
    for event in sse.split(wire)[:-1]:
        for choice in msgspec.json.decode(sse.data_of(event) or b"")["choices"]:
            message = accumulate_delta(message, choice["delta"])
    return message, renderer.losses


def returned(message: dict[str, Any]) -> tuple[Part, ...]:
    tree = {"model": "m", "messages": [{"role": "user", "content": "Hi"}, message]}
    return CHAT.parse_request(tree, {}).messages[1].parts


def plain(parts: Sequence[Part]) -> list[Part]:
    """The parts without the notes that chat makes on calls."""
    return [replace(part, extensions={}) if isinstance(part, ToolCall) else part for part in parts]


@pytest.mark.parametrize("parts", TURNS)
def test_an_answer_sent_back_as_it_came_holds_the_same_thoughts(parts: tuple[Part, ...]) -> None:
    assert plain(returned(whole(parts))) == list(parts)


@pytest.mark.parametrize("parts", TURNS)
def test_a_stream_put_together_by_a_client_holds_the_same_thoughts(parts: tuple[Part, ...]) -> None:
    assert plain(returned(streamed(parts))) == list(parts)


@pytest.mark.parametrize("parts", TURNS)
def test_a_stream_and_a_whole_answer_say_the_same(parts: tuple[Part, ...]) -> None:
    at_once = whole(parts).get("reasoning_details") or []
    in_pieces = streamed(parts).get("reasoning_details") or []
    assert at_once == in_pieces


def test_details_that_a_client_did_not_join_are_read_all_the_same() -> None:
    parts = (thought("One.", "s1"), thought("Two.", "s2"), Text("Yes."))
    renderer = CHAT.stream_renderer(REQUEST)
    message: dict[str, Any] = {"role": "assistant", "content": "Yes.", "reasoning_details": []}
    for event in events_of(parts):
        for wire in sse.split(renderer.render(event)):
            data = sse.data_of(wire) or b""
            if data != b"[DONE]":
                delta = msgspec.json.decode(data)["choices"][0]["delta"]
                message["reasoning_details"] += delta.get("reasoning_details", [])
    assert returned(message) == parts


def test_the_entries_have_the_published_form() -> None:
    details = whole((thought("Hm.", "s1"), REDACTED, SIGNED_NEXT, SUMMARY))["reasoning_details"]
    assert [detail["index"] for detail in details] == [0, 1, 2, 3]
    assert {detail["type"]: set(detail) for detail in details} == {
        "reasoning.text": {"type", "text", "signature", "format", "index", "id"},
        "reasoning.encrypted": {"type", "data", "format", "index"},
    }
    formats = {detail["format"] for detail in details}
    assert formats == {"anthropic-claude-v1", "google-gemini-v1", "openai-responses-v1"}


def test_openrouters_own_details_stay_as_they_are() -> None:
    own = {"type": "reasoning.text", "text": "Mine.", "signature": "s", "index": 0}
    proof = seal(thought("", "s1"))
    foreign = {"type": "reasoning.text", "text": "Theirs.", "signature": proof, "index": 1}
    message = {"role": "assistant", "content": "Yes.", "reasoning_details": [own, foreign]}
    parts = returned(message)
    assert [part.text for part in parts if isinstance(part, Reasoning)] == ["Theirs.", "Mine."]
    request = ChatRequest("m", (Message("assistant", parts),))
    rendered = CHAT.render_request(request)
    (sent,) = msgspec.json.decode(rendered.body)["messages"]
    assert sent["reasoning_details"] == [own]
    assert [loss.feature for loss in rendered.losses] == ["reasoning.replay"]


def test_citations_stay_with_their_text_when_a_thought_stands_between() -> None:
    parts = (
        Text("First.", (Citation("https://a.org", "a", start=0, end=5),)),
        thought("", "s1"),
        Text("Then.", (Citation("https://b.org", "b", start=1, end=3),)),
    )
    assert returned(whole(parts)) == parts


@needs_corpus
@pytest.mark.parametrize("exchange", RECORDED, ids=lambda exchange: exchange.id)
def test_recorded_proofs_come_back_from_a_client_of_chat(exchange: Exchange) -> None:
    parsed: Sequence[Any]
    if exchange.streams:
        parser = RESPONSES.stream_parser()
        parsed = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
        message, losses = put_together(parsed)
    else:
        parsed = RESPONSES.parse_response(exchange.body).choices[0].message.parts
        message, losses = answered(parsed)
    proven = [one.encrypted for one in parsed if isinstance(one, Reasoning | ReasoningDelta)]
    again = [part.encrypted for part in returned(message) if isinstance(part, Reasoning)]
    assert [proof for proof in again if proof] == [proof for proof in proven if proof]
    assert not [loss for loss in losses if loss.feature.startswith("reasoning")]


def test_citations_that_come_one_by_one_can_be_put_together() -> None:
    renderer = CHAT.stream_renderer(REQUEST)
    events: list[StreamEvent] = [
        Started("r", "m"),
        TextDelta(0, "Yes."),
        CitationAdded(0, Citation("https://a.org")),
        CitationAdded(0, Citation("https://b.org")),
        Finished("stop"),
    ]
    message: dict[Any, Any] = {}
    for event in sse.split(b"".join(map(renderer.render, events))):
        (choice,) = msgspec.json.decode(sse.data_of(event) or b"")["choices"]
        message = accumulate_delta(message, choice["delta"])
    urls = [wire["url_citation"]["url"] for wire in message["annotations"]]
    assert urls == ["https://a.org", "https://b.org"]


pieces = st.lists(
    st.builds(thought, st.text(max_size=3), st.text(min_size=1, max_size=3))
    | st.builds(Text, st.text(min_size=1, max_size=5))
    | st.just(CALL_1),
    max_size=8,
)


@given(pieces)
def test_thoughts_come_back_in_their_order_whatever_is_between(parts: list[Part]) -> None:
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    for message in (whole(parts), streamed(parts)):
        again = returned(message)
        assert [part for part in again if isinstance(part, Reasoning)] == thoughts
        assert text_and_calls(again) == text_and_calls(parts)


def text_and_calls(parts: Sequence[Part]) -> tuple[str, int]:
    texts = [part.text for part in parts if isinstance(part, Text)]
    return "".join(texts), sum(isinstance(part, ToolCall) for part in parts)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "text", "signature", "data", "index"]),
            st.none()
            | st.integers()
            | st.text(max_size=3)
            | st.just(seal(replace(SUMMARY, extensions={"openai.chat": {"$place": [9, -9, 9]}}))),
        )
        | st.none()
    )
)
def test_no_details_break_the_parser(details: list[Any]) -> None:
    message = {"role": "assistant", "content": "Yes.", "reasoning_details": details}
    parts = returned(message)
    assert text_and_calls(parts) == ("Yes.", 0)


def test_an_index_below_zero_is_no_index() -> None:
    sealed = {"type": "reasoning.encrypted", "index": -1, "data": seal(SUMMARY)}
    parts = returned({"role": "assistant", "content": "Yes.", "reasoning_details": [None, sealed]})
    assert text_and_calls(parts)[0] == "Yes."
