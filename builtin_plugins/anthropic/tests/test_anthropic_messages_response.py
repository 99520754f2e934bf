"""Answers of Messages, read, and written for its clients: each behaviour by a small case."""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackfield.errors import LossRefused, NotFound, Overloaded, ProviderError, RateLimited
from jackfield.events import CitationAdded, Ended, Finished, Started, TextDelta
from jackfield.messages import (
    Audio,
    Bill,
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    FinishReason,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from jackfield.plan import Target
from jackfield.prices import Cost, PriceBook
from jackfield_anthropic.endpoints import COUNT_TOKENS, MESSAGES
from jackfield_anthropic.fields import NAME
from jackfield_anthropic.messages_native import leaves_out, native_body

REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),))


def parse(*blocks: dict[str, Any], **members: Any) -> ChatResponse:
    tree = {"id": "msg_1", "model": "m", "content": blocks, "stop_reason": "end_turn", **members}
    return MESSAGES.parse_response(json.dumps(tree).encode())


def render(*parts: Part, reason: Any = "stop", **members: Any) -> tuple[Any, list[str]]:
    choice = Choice(Message("assistant", parts), reason)
    rendered = MESSAGES.render_response(ChatResponse("r", "m", (choice,), **members), REQUEST)
    return msgspec.json.decode(rendered.body), [loss.feature for loss in rendered.losses]


def sent_back(content: list[Any]) -> tuple[Part, ...]:
    tree = {"model": "m", "messages": [{"role": "assistant", "content": content}]}
    return MESSAGES.parse_request(tree, {}).messages[0].parts


def test_usage_counts_what_is_cached() -> None:
    wire = {
        "input_tokens": 1,
        "cache_read_input_tokens": 20,
        "cache_creation_input_tokens": 300,
        "output_tokens": 5,
        "output_tokens_details": {"thinking_tokens": 2},
    }
    usage = parse(usage=wire).usage
    assert usage is not None
    assert usage.input_tokens == 321
    assert (usage.cached_input_tokens, usage.cache_write_tokens) == (20, 300)
    assert (usage.output_tokens, usage.reasoning_tokens) == (5, 2)
    foreign = Usage(321, 5, 20, 300, 2)
    assert render(usage=foreign)[0]["usage"] == wire


def test_rounds_that_the_sum_leaves_out_are_billed_beside_it() -> None:
    rounds = [
        {"type": "message", "input_tokens": 3, "output_tokens": 2},
        {"type": "advisor_message", "model": "a", "input_tokens": 7, "output_tokens": 1},
    ]
    usage = parse(usage={"input_tokens": 3, "output_tokens": 2, "iterations": rounds}).usage
    assert usage is not None
    assert usage.bills == (Bill(Usage(3, 2)), Bill(Usage(7, 1), "a"))


@pytest.mark.parametrize(
    ("wire", "rate"),
    [
        ({"service_tier": "standard", "inference_geo": "us"}, 1.1),
        ({"service_tier": "batch", "inference_geo": "us"}, 0.55),
        ({"speed": "fast", "inference_geo": "us"}, 2.2),
        ({"service_tier": "batch", "inference_geo": "global"}, 0.5),
        ({"service_tier": "standard", "inference_geo": "not_available"}, 1),
    ],
)
def test_what_is_held_to_the_us_costs_a_tenth_more(wire: dict[str, Any], rate: float) -> None:
    usage = parse(usage={"input_tokens": 1_000_000, "output_tokens": 0, **wire}).usage
    assert usage is not None
    cost = PriceBook().cost(Target("anthropic", "claude-opus-5"), usage)
    assert cost == Cost(round(5_000_000_000 * rate))


def test_where_another_model_took_over_each_round_has_its_own_rates() -> None:
    searched = {"server_tool_use": {"web_search_requests": 1}}
    rounds = [
        {"type": "message", "input_tokens": 3, "output_tokens": 0},
        {"type": "fallback_message", "model": "b", "input_tokens": 4, "output_tokens": 9},
    ]
    wire = {"input_tokens": 4, "output_tokens": 9, "iterations": rounds, **searched}
    usage = parse(usage=wire).usage
    assert usage is not None
    assert usage.input_tokens == 4
    assert usage.bills == (Bill(Usage(3, units={"web_search": 1})), Bill(Usage(4, 9), "b"))


def test_usage_of_another_vendor_is_written_in_anthropics_members() -> None:
    usage = Usage(40, 9, 0, 30, cache_write_1h_tokens=10, units={"web_search": 2})
    wire = render(usage=replace(usage, service_tier="priority"))[0]["usage"]
    assert wire["cache_creation"] == {
        "ephemeral_5m_input_tokens": 20,
        "ephemeral_1h_input_tokens": 10,
    }
    assert wire["server_tool_use"] == {"web_search_requests": 2, "web_fetch_requests": 0}
    assert wire["service_tier"] == "priority"
    again = parse(usage=wire).usage
    assert again is not None
    assert (again.cache_write_tokens, again.cache_write_1h_tokens) == (30, 10)


def test_sound_is_counted_beside_what_messages_counts() -> None:
    usage = Usage(40, 9, audio_input_tokens=30, audio_output_tokens=8)
    wire = render(usage=usage)[0]["usage"]
    assert wire["input_tokens_details"] == {"audio_tokens": 30}
    assert wire["output_tokens_details"] == {"thinking_tokens": 0, "audio_tokens": 8}
    again = parse(usage=wire).usage
    assert again is not None
    assert replace(again, extensions={}) == usage


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("new_reason", "other"),
    ],
)
def test_a_stop_reason_keeps_its_word(word: str, reason: str) -> None:
    response = parse({"type": "text", "text": "x"}, stop_reason=word)
    assert response.choices[0].finish_reason == reason
    assert response.choices[0].finish_detail == word
    again = msgspec.json.decode(MESSAGES.render_response(response, REQUEST).body)
    assert again["stop_reason"] == word


@pytest.mark.parametrize(
    ("part", "word"), [(Text("a"), "end_turn"), (ToolCall("c", "f", "{}"), "tool_use")]
)
def test_an_answer_without_a_stop_reason_gets_one(part: Part, word: str) -> None:
    assert render(part, reason=None)[0]["stop_reason"] == word


@pytest.mark.parametrize("reason", ["error", "other"])
def test_an_end_that_messages_has_no_word_for_is_named(reason: FinishReason) -> None:
    body, losses = render(Text("a"), reason=reason)
    assert (body["stop_reason"], losses) == ("end_turn", [f"finish_reason.{reason}"])
    renderer = MESSAGES.stream_renderer(REQUEST)
    wire = renderer.render(Finished(reason)) + renderer.render(Ended())
    assert b'"stop_reason":"end_turn"' in wire
    assert [loss.feature for loss in renderer.losses] == losses


def test_an_answer_of_another_vendor_is_a_message() -> None:
    body, losses = render(
        Text("a"), ToolCall("c", "f", '{"x":1}'), reason="tool_calls", usage=Usage(3, 4)
    )
    assert body["content"] == [
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "c", "name": "f", "input": {"x": 1}},
    ]
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "tool_use")
    assert body["stop_sequence"] is None
    assert losses == []


def test_a_thought_of_another_vendor_comes_back_with_its_proof() -> None:
    thoughts = (
        Reasoning("hm", id="rs_1", signature="sig", extensions={"vendor.x": {"a": 1}}),
        Reasoning(encrypted="secret", extensions={"vendor.x": {}}),
        Reasoning("plain", extensions={"vendor.y": {}}),
    )
    body, losses = render(*thoughts)
    assert [block["type"] for block in body["content"]] == [
        "thinking",
        "redacted_thinking",
        "thinking",
    ]
    assert body["content"][0]["thinking"] == "hm"
    assert sent_back(body["content"]) == thoughts
    assert losses == []


def test_what_the_gateway_showed_of_others_never_reaches_anthropic() -> None:
    cited = Text("a", (Citation("https://e.org", "t"),))
    body, _ = render(Reasoning("hm"), cited)
    assert sent_back(body["content"])[1] == Text("a", (Citation("https://e.org", "t"),))
    turn = {"role": "assistant", "content": body["content"]}
    lone = {"role": "assistant", "content": body["content"][:1]}
    tree = {"model": "m", "messages": [{"role": "user", "content": "hi"}, turn, lone]}
    kept = msgspec.json.decode(native_body(msgspec.json.encode(tree)))
    assert kept["messages"][1:] == [
        {"role": "assistant", "content": [{"type": "text", "text": "a"}]}
    ]
    native = b'{ "messages": [] }'
    assert native_body(native) is native


def test_claudes_own_thoughts_come_back_to_it_from_another_platform() -> None:
    bedrocks: dict[str, Any] = {"bedrock.converse": {}}
    body, _ = render(
        Reasoning("hm", signature="c2ln", extensions=bedrocks),
        Reasoning(encrypted="RW5jcnlwdGVk", extensions=bedrocks),
        Reasoning("oh", signature="c2ln", extensions={"gemini.generate_content": {}}),
    )
    turn = {"role": "assistant", "content": body["content"]}
    wire = msgspec.json.encode({"messages": [turn]})
    kept = msgspec.json.decode(native_body(wire))
    assert leaves_out(wire)
    assert not leaves_out(
        msgspec.json.encode({"messages": [{**turn, "content": turn["content"][:2]}]})
    )
    assert kept["messages"][0]["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "Encrypted"},
    ]


def test_what_no_message_can_hold_is_named() -> None:
    body, losses = render(
        Text(""),
        Audio(transcript="hey"),
        Audio(data="AA=="),
        Image(data="AA=="),
        Opaque("other", "item", {}),
        Refusal("No."),
        Text("x", (Citation(title="t"),)),
    )
    assert [block["text"] for block in body["content"]] == ["hey", "No.", "x"]
    assert body["stop_reason"] == "refusal"
    assert losses == [
        "audio",
        "messages.audio",
        "messages.image",
        "messages.item",
        "refusals",
        "citations",
    ]


def test_only_the_first_of_several_answers_is_written() -> None:
    choices = tuple(Choice(Message("assistant", (Text(text),)), "stop") for text in "ab")
    rendered = MESSAGES.render_response(ChatResponse("r", "m", choices), REQUEST)
    assert [loss.feature for loss in rendered.losses] == ["n"]


@pytest.mark.parametrize(
    ("start", "end", "lost"), [(0, 5, []), (None, None, []), (0, 2, ["citations.span"])]
)
def test_a_citation_of_a_part_of_a_text_is_of_all_of_it(
    start: int | None, end: int | None, lost: list[str]
) -> None:
    citation = Citation("https://e.org", "t", start=start, end=end)
    body, losses = render(Text("First", (citation,)))
    assert body["content"][0]["citations"][0]["url"] == "https://e.org"
    assert losses == lost
    renderer = MESSAGES.stream_renderer(REQUEST)
    for event in (Started("1", "m"), TextDelta(0, "First"), CitationAdded(0, citation)):
        renderer.render(event)
    assert bool(renderer.losses) is (end is not None)  # how long the text is comes later


def test_citations_keep_their_url_title_and_text() -> None:
    cited = {"type": "page_location", "cited_text": "c", "document_title": "d", "document_index": 0}
    found = {"type": "search_result_location", "source": "https://e.org", "title": "t"}
    response = parse({"type": "text", "text": "x", "citations": [cited, found]})
    (text,) = response.choices[0].message.parts
    assert isinstance(text, Text)
    assert [(c.url, c.title, c.cited_text) for c in text.citations] == [
        (None, "d", "c"),
        ("https://e.org", "t", None),
    ]


def test_members_that_only_anthropic_knows_come_back() -> None:
    block: dict[str, Any] = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    response = parse(block, container={"id": "c"}, stop_details=None, stop_sequence="x")
    assert response.choices[0].message.parts == (Opaque(NAME, block["type"], block),)
    again = msgspec.json.decode(MESSAGES.render_response(response, REQUEST).body)
    assert (again["container"], again["stop_sequence"]) == ({"id": "c"}, "x")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotFound("x"), "not_found_error"),
        (RateLimited("x"), "rate_limit_error"),
        (Overloaded("x"), "overloaded_error"),
        (ProviderError("x"), "api_error"),
        (ProviderError("x", upstream_status=529), "overloaded_error"),
        (ProviderError("x", upstream_status=413), "request_too_large"),
        (ProviderError("x", upstream_status=400, error_type="billing_error"), "billing_error"),
        (ProviderError("x", upstream_status=400, error_type="bad"), "invalid_request_error"),
    ],
)
def test_errors_have_anthropics_shape(error: Any, kind: str) -> None:
    for dialect in (MESSAGES, COUNT_TOKENS):
        error_body = msgspec.json.decode(dialect.render_error(error, "req_1"))
        assert (error_body["type"], error_body["request_id"]) == ("error", "req_1")
        assert (error_body["error"]["type"], error_body["error"]["message"]) == (kind, "x")


def test_an_error_has_its_code_in_its_details() -> None:
    for error, code in (
        (NotFound("x"), "not_found"),
        (ProviderError("x", error_code="context_length_exceeded"), "context_length_exceeded"),
        (LossRefused("It loses tools.custom."), "translation_loss"),
        (LossRefused("It loses conversation.server_state."), "thread_not_found"),
        (LossRefused("It loses anthropic.messages.thread."), "thread_unsupported_request"),
    ):
        error_body = msgspec.json.decode(MESSAGES.render_error(error, "req_1"))
        assert error_body["error"]["details"] == {"error_code": code}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"type":"error","error":{"type":"t","message":"No."}}', "No."),
        (b'{"error":"No."}', "No."),
        (b'{"message":"No."}', "No."),
        (b"<html>", "The provider answered 500 without a message."),
        (b"[]", "The provider answered 500 without a message."),
    ],
)
def test_any_error_body_has_a_message(body: bytes, message: str) -> None:
    assert MESSAGES.parse_error(500, body).message == message
