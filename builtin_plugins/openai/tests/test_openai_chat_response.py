"""Complete chat answers."""

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion

from jackfield import sse
from jackfield.dialects import installed
from jackfield.events import Finished
from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    Usage,
)
from jackfield_openai.chat import ChatDialect

CHAT = ChatDialect()
REQUEST = ChatRequest("requested", (Message("user", (Text("hi"),)),))


def completion(message: dict[str, Any], **choice: Any) -> dict[str, Any]:
    found = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [found | choice],
    }


def parse(tree: Any) -> ChatResponse:
    return CHAT.parse_response(json.dumps(tree).encode())


def answer(*parts: Part, **fields: Any) -> ChatResponse:
    reason = fields.pop("finish_reason", "stop")
    return ChatResponse("c", "m", (Choice(Message("assistant", parts), reason),), **fields)


def rendered(response: ChatResponse, request: ChatRequest = REQUEST) -> Any:
    return json.loads(CHAT.render_response(response, request).body)


def message_of(*parts: Part) -> Any:
    return rendered(answer(*parts))["choices"][0]["message"]


def lost(*parts: Part) -> list[str]:
    return [loss.feature for loss in CHAT.render_response(answer(*parts), REQUEST).losses]


@pytest.mark.parametrize(
    ("message", "choice"),
    [
        ({"content": "a", "refusal": None, "annotations": []}, {"logprobs": {"content": []}}),
        ({"content": None, "refusal": "no"}, {"finish_reason": "content_filter"}),
        ({"content": "a", "reasoning_content": "t"}, {"native_finish_reason": "end_turn"}),
        (
            {
                "content": "a",
                "audio": {"id": "x", "data": "AA==", "expires_at": 1, "transcript": "t"},
            },
            {},
        ),
        ({"content": "a", "executed_tools": [{"index": 0}]}, {"finish_reason": "eos"}),
        ({"content": "a"}, {"finish_reason": "MALFORMED_FUNCTION_CALL"}),
        ({"content": "a"}, {"index": 7, "finish_reason": None}),
    ],
)
def test_answers_come_back_as_they_were_written(
    message: dict[str, Any], choice: dict[str, Any]
) -> None:
    tree = completion(message, **choice) | {"service_tier": "default", "vendor": 1}
    back = rendered(parse(tree))
    assert back["choices"][0].pop("logprobs") == choice.get("logprobs")
    tree["choices"][0].pop("logprobs", None)
    assert back == tree


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("function_call", "tool_calls"),
        ("content_filter", "content_filter"),
        ("insufficient_system_resource", "error"),
        ("sensitive", "content_filter"),
        ("model_context_window_exceeded", "length"),
        ("abort", "error"),
        ("surprise", "other"),
    ],
)
def test_finish_reasons_have_canonical_names(word: str, reason: str) -> None:
    choice = parse(completion({"content": "a"}, finish_reason=word)).choices[0]
    assert choice.finish_reason == reason
    assert choice.finish_detail == (None if word == reason else word)


@pytest.mark.parametrize(
    ("reason", "word"), [("length", "length"), ("other", "stop"), ("error", "error")]
)
def test_a_reason_of_another_vendor_has_a_word_here(reason: str, word: str) -> None:
    body = rendered(answer(Text("a"), finish_reason=reason))
    assert body["choices"][0]["finish_reason"] == word


def test_calls_under_stop_are_calls_and_go_back_under_stop() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    tree = completion({"content": None, "tool_calls": [call]})
    response = parse(tree)
    assert response.choices[0].finish_reason == "tool_calls"
    assert rendered(response)["choices"][0]["finish_reason"] == "stop"


def test_a_call_without_id_gets_one_of_its_own() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    parts = parse(completion({"tool_calls": [call, call]})).choices[0].message.parts
    ids = [part.id for part in parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 2
    assert all(ids)


def test_annotations_are_citations_of_the_text() -> None:
    inner = {"start_index": 1, "end_index": 2, "title": "t", "url": "https://e.org"}
    file = {"type": "file", "file": {"hash": "h"}}
    annotations = [{"type": "url_citation", "url_citation": inner}, file]
    tree = completion({"content": "abc", "annotations": annotations})
    response = parse(tree)
    text = response.choices[0].message.parts[0]
    assert isinstance(text, Text)
    assert text.citations[0] == Citation("https://e.org", "t", None, 1, 2)
    assert rendered(response)["choices"][0]["message"]["annotations"] == annotations


def test_texts_of_another_dialect_are_joined_and_their_citations_moved() -> None:
    message = message_of(Text("abc"), Text("de", (Citation(url="https://e.org"),)))
    assert message["content"] == "abcde"
    inner = {"start_index": 3, "end_index": 5, "title": "https://e.org", "url": "https://e.org"}
    assert message["annotations"] == [{"type": "url_citation", "url_citation": inner}]


def test_reasoning_of_another_dialect_is_shown_and_its_proof_kept() -> None:
    parts = (Reasoning("one"), Reasoning("two", signature="s", encrypted="e"), Text("a"))
    message = message_of(*parts)
    assert message["reasoning_content"] == "one\n\ntwo"
    assert [detail["text"] for detail in message["reasoning_details"]] == ["one", "two"]
    assert lost(*parts) == []


def test_every_kind_of_part_makes_an_answer_that_the_sdk_reads() -> None:
    parts = (
        Reasoning("t"),
        Text("a", (Citation(cited_text="x"),)),
        Refusal("no"),
        Audio(data="AA=="),
        Image(data="BB==", media_type="image/png"),
        ToolCall("1", "f", "{}"),
        ToolCall("2", "g", "x", kind="custom"),
        Opaque("other", "item", {}),
    )
    response = answer(*parts, usage=Usage(5, 3, reasoning_tokens=1), finish_reason="tool_calls")
    found = CHAT.render_response(response, REQUEST)
    message = ChatCompletion.model_validate_json(found.body).choices[0].message
    assert [call.id for call in message.tool_calls or ()] == ["1", "2"]
    assert (message.refusal, message.content) == ("no", "a")
    assert {loss.feature for loss in found.losses} == {
        "citations",
        "images.output",
        "messages.item",
    }


def test_usage_of_another_dialect_is_spelled_out() -> None:
    usage = rendered(answer(Text("a"), usage=Usage(9, 4, 3, 2, 1)))["usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (9, 4, 13)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 3
    assert usage["completion_tokens_details"]["reasoning_tokens"] == 1


def test_a_client_of_legacy_functions_gets_a_function_call() -> None:
    functions = [{"name": "f", "parameters": {}}]
    tree = {"model": "m", "messages": [{"role": "user", "content": "x"}], "functions": functions}
    request = CHAT.parse_request(tree, {})
    assert isinstance(request.tools[0], Tool)
    response = answer(ToolCall("1", "f", "{}"), finish_reason="tool_calls")
    choice = rendered(response, request)["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"choices": [1]}', b'{"choices": [{"message": 1}]}', b'"\xff"']
)
def test_what_is_no_completion_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - that it is one is all that is promised
        CHAT.parse_response(body)


@pytest.mark.parametrize("tier", ["priority", "default", None, 7])
def test_the_tier_of_a_parsed_answer_is_known_without_reading_it_again(tier: Any) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    tree = completion({"content": "Hi"}) | {"usage": usage, "service_tier": tier}
    body = json.dumps(tree).encode()
    used = CHAT.usage_beside(CHAT.parse_response(body), b"")
    assert used == CHAT.usage(body)
    assert used is not None
    assert used.service_tier == ("priority" if tier == "priority" else None)


@pytest.mark.parametrize("word", [["stop"], {"reason": "stop"}, 7])
def test_a_finish_reason_that_is_no_string_reaches_no_other_dialect(word: Any) -> None:
    body = json.dumps(completion({"content": "Hi"}, finish_reason=word)).encode()
    answer = CHAT.parse_response(body)
    assert answer.choices[0].finish_detail is None
    shown = json.loads(CHAT.render_response(answer, REQUEST).body)
    assert shown["choices"][0]["finish_reason"] == word
    rendered = installed("anthropic.messages").render_response(answer, REQUEST)
    assert json.loads(rendered.body)["stop_reason"] == "end_turn"
    chunk = {"choices": [{"index": 0, "delta": {}, "finish_reason": word}]}
    events = CHAT.stream_parser().feed(sse.encode(json.dumps(chunk).encode()))
    assert [event.detail for event in events if isinstance(event, Finished)] == [None]
