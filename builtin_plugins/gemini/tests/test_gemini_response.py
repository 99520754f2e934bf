"""Answers, whole and streamed: what each part means, and what becomes of others' answers."""

from typing import Any

import msgspec
import pytest
from google.genai import types

from jackfield import sse
from jackfield.dialects import installed
from jackfield.errors import InvalidRequest, ProviderError, RateLimited
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Usage,
)
from jackfield_gemini.endpoints import GENERATE, GENERATE_ARRAY

CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
SEALABLE = Reasoning(
    "Hm.", signature="sig", extensions={"anthropic.messages": {"type": "thinking"}}
)


def parsed(*parts: Any, **members: Any) -> Choice:
    candidate = {
        "content": {"parts": list(parts), "role": "model"},
        "finishReason": "STOP",
        **members,
    }
    body = msgspec.json.encode({"candidates": [candidate], "responseId": "r", "modelVersion": "m"})
    return GENERATE.parse_response(body).choices[0]


def rendered(*parts: Any, finish: Any = "stop", usage: Usage | None = None) -> Any:
    choice = Choice(Message("assistant", parts), finish)
    body = GENERATE.render_response(ChatResponse("r", "m", (choice,), usage), REQUEST).body
    types.GenerateContentResponse.model_validate_json(body)
    return msgspec.json.decode(body)


def streamed(*events: StreamEvent) -> list[Any]:
    renderer = GENERATE.stream_renderer(REQUEST)
    wire = b"".join(map(renderer.render, (Started("r", "m"), *events)))
    datas = [sse.data_of(event) or b"" for event in sse.split(wire)]
    for data in datas:
        types.GenerateContentResponse.model_validate_json(data)
    return [msgspec.json.decode(data) for data in datas]


def parts_of(chunks: list[Any]) -> list[Any]:
    return [part for chunk in chunks for part in chunk["candidates"][0]["content"]["parts"]]


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("STOP", "stop"),
        (1, "stop"),
        ("MAX_TOKENS", "length"),
        (2, "length"),
        ("CONTINUATION", "length"),
        ("ESCALATION", "content_filter"),
        ("PUP_LIMITED_DISABLED", "content_filter"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("OTHER", "other"),
        ("NEW_WORD", "other"),
    ],
)
def test_every_finish_has_a_meaning(word: Any, reason: str) -> None:
    choice = parsed({"text": "a"}, finishReason=word)
    assert (choice.finish_reason, choice.finish_detail) == (reason, str(word))


def test_calls_finish_in_calls_and_have_ids_of_their_own() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    choice = parsed(call, call)
    ids = [part.id for part in choice.message.parts if isinstance(part, ToolCall)]
    assert choice.finish_reason == "tool_calls"
    assert len(set(ids)) == 2
    assert parsed(call, call) == choice


def test_a_blocked_prompt_is_an_empty_answer() -> None:
    body = b'{"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r"}'
    response = GENERATE.parse_response(body)
    (choice,) = response.choices
    assert (choice.message.parts, choice.finish_reason) == ((), "content_filter")
    again = msgspec.json.decode(GENERATE.render_response(response, REQUEST).body)
    assert again == msgspec.json.decode(body)


def test_sources_are_citations_that_count_characters() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [
            {
                "segment": {"startIndex": 3, "endIndex": 6, "text": "two"},
                "groundingChunkIndices": [0],
            }
        ],
    }
    (text,) = parsed({"text": "é two"}, groundingMetadata=grounding).message.parts
    assert isinstance(text, Text)
    assert text.citations == (Citation("https://a", "A", "two", 2, 5),)


def test_an_image_that_was_found_is_cited_by_its_page() -> None:
    found = {"sourceUri": "https://a/page", "imageUri": "https://a/i.png", "title": "A"}
    grounding = {"groundingChunks": [{"image": found}]}
    (text,) = parsed({"text": "a"}, groundingMetadata=grounding).message.parts
    assert isinstance(text, Text)
    assert text.citations == (Citation("https://a/page", "A"),)


def test_citations_of_others_are_sources_that_count_bytes() -> None:
    body = rendered(Text("é two", citations=(Citation("https://a", "A", None, 2, 5),)))
    assert body["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [
            {
                "segment": {"startIndex": 3, "endIndex": 6, "text": "two"},
                "groundingChunkIndices": [0],
            }
        ],
    }


def test_a_source_is_cited_for_the_text_of_the_answer_in_its_part() -> None:
    dropped = Opaque("anthropic.messages", "server_tool_use", {})
    cited = Citation("https://a", "A", "The source's words")
    body = rendered(Text("First."), dropped, Text("Then."), Text("é two", citations=(cited,)))
    events: list[StreamEvent] = [
        TextDelta(0, "First."),
        PartAdded(1, dropped),
        TextDelta(2, "Then."),
    ]
    last = streamed(*events, TextDelta(3, "é two"), CitationAdded(3, cited), Ended())[-1]
    for tree in (body, last):
        (support,) = tree["candidates"][0]["groundingMetadata"]["groundingSupports"]
        assert support["segment"] == {"endIndex": 6, "text": "é two", "partIndex": 2}


def test_a_quoted_source_is_a_loss_of_its_own() -> None:
    cited = (Citation("https://a", "A", "The source's words"),) * 2
    choice = Choice(Message("assistant", (Text("a", cited), Text("b", (Citation(),)))), "stop")
    found = GENERATE.render_response(ChatResponse("r", "m", (choice,)), REQUEST)
    assert [loss.feature for loss in found.losses] == ["citations.cited_text", "citations"]


def test_a_transcript_is_returned_only_without_the_sound() -> None:
    for sound, kind, lost in (("AAAA", "inlineData", "audio.transcript"), ("", "text", "audio")):
        audio = Audio(data=sound or None, format="pcm16", transcript="Hi.")
        choice = Choice(Message("assistant", (audio,)), "stop")
        whole = GENERATE.render_response(ChatResponse("r", "m", (choice,)), REQUEST)
        renderer = GENERATE.stream_renderer(REQUEST)
        pieces = (AudioDelta(0, transcript="Hi."), AudioDelta(0, sound))
        events = (Started("r", "m"), *pieces, Finished("stop"), Ended())
        wire = b"".join(renderer.render(event) for event in events)
        chunks = [msgspec.json.decode(sse.data_of(event) or b"") for event in sse.split(wire)]
        assert [loss.feature for loss in whole.losses] == [lost]
        assert [loss.feature for loss in renderer.losses] == [lost]
        assert [list(part) for part in parts_of(chunks) if part != {"text": ""}] == [[kind]]


def test_an_empty_answer_has_a_part_all_the_same() -> None:
    assert rendered()["candidates"][0]["content"]["parts"] == [{"text": ""}]


def test_a_refusal_is_text_and_named() -> None:
    choice = Choice(Message("assistant", (Refusal("No."),)), "stop")
    found = GENERATE.render_response(ChatResponse("r", "m", (choice,)), REQUEST)
    assert [loss.feature for loss in found.losses] == ["refusals"]
    assert b'"No."' in found.body


def test_anothers_proof_travels_through_a_google_client_and_back() -> None:
    content = rendered(SEALABLE, Text("Hi."))["candidates"][0]["content"]
    kept = types.Content.model_validate(content).model_dump(mode="json", exclude_none=True)
    request = GENERATE.parse_request({"contents": [kept]}, {"model": "m"})
    assert request.messages[0].parts == (SEALABLE, Text("Hi."))


def test_anothers_proof_comes_back_from_a_stream_in_pieces() -> None:
    extensions = SEALABLE.extensions
    chunks = streamed(
        ReasoningDelta(0, "H", extensions=extensions),
        ReasoningDelta(0, "m.", extensions=extensions),
        ReasoningDelta(0, "", signature="sig", extensions=extensions),
        TextDelta(1, "Hi."),
        Finished("stop"),
        Ended(),
    )
    contents = [chunk["candidates"][0]["content"] for chunk in chunks]
    request = GENERATE.parse_request({"contents": contents}, {"model": "m"})
    assert request.messages[0].parts == (SEALABLE, Text("Hi."))


def test_a_proof_that_is_streamed_in_pieces_is_one_proof() -> None:
    vendor = "openai.responses"
    chunks = streamed(
        ReasoningDelta(0, "Hm.", id="rs_1", extensions={vendor: {"$item": {}}}),
        ReasoningDelta(0, encrypted="E", summary=True, extensions={vendor: {}}),
        ReasoningDelta(1, encrypted="F", extensions={vendor: {}}),
        Finished("stop"),
        Ended(),
    )
    contents = [chunk["candidates"][0]["content"] for chunk in chunks]
    request = GENERATE.parse_request({"contents": contents}, {"model": "m"})
    assert request.messages[0].parts == (
        Reasoning("Hm.", "rs_1", None, "E", summary=True, extensions={vendor: {"$item": {}}}),
        Reasoning(encrypted="F", extensions={vendor: {}}),
    )


@pytest.mark.parametrize("client", [CHAT, RESPONSES], ids=["chat", "responses"])
def test_a_signature_comes_back_through_another_clients_history(client: Any) -> None:
    call = {"functionCall": {"name": "f", "args": {}, "id": "x"}, "thoughtSignature": "c2ln"}
    candidate = {"content": {"parts": [{"text": "Look:"}, call]}, "finishReason": "STOP"}
    response = GENERATE.parse_response(msgspec.json.encode({"candidates": [candidate]}))
    answer = msgspec.json.decode(client.render_response(response, REQUEST).body)
    if client is CHAT:
        tree = {"model": "m", "messages": [answer["choices"][0]["message"]]}
    else:
        tree = {"model": "m", "input": answer["output"]}
    back = GENERATE.render_request(client.parse_request(tree, {}))
    parts = msgspec.json.decode(back.body)["contents"][0]["parts"]
    assert [part for part in parts if "functionCall" in part] == [call]
    assert "reasoning.replay" not in [loss.feature for loss in back.losses]


def test_a_call_goes_out_when_it_is_whole_and_the_end_with_the_last() -> None:
    chunks = streamed(
        TextDelta(0, "a"),
        ToolCallStarted(1, "x", "f"),
        ToolCallDelta(1, '{"a":'),
        ToolCallDelta(1, "1}"),
        Finished("tool_calls"),
        UsageReported(Usage(1, 2)),
        Ended(),
    )
    assert parts_of(chunks) == [
        {"text": "a"},
        {"functionCall": {"name": "f", "args": {"a": 1}, "id": "x"}},
        {"text": ""},
    ]
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks] == [None, None, "STOP"]
    assert chunks[-1]["usageMetadata"]["totalTokenCount"] == 3


def test_parallel_calls_may_come_in_pieces_of_each_other() -> None:
    chunks = streamed(
        ToolCallStarted(0, "x", "f"),
        ToolCallStarted(1, "y", "g"),
        ToolCallDelta(0, "{}"),
        ToolCallDelta(1, '{"b":2}'),
        Finished("tool_calls"),
        Ended(),
    )
    calls = [part["functionCall"] for part in parts_of(chunks) if "functionCall" in part]
    assert [(call["id"], call["args"]) for call in calls] == [("x", {}), ("y", {"b": 2})]


def test_arguments_that_are_no_object_are_named() -> None:
    call = ToolCall("x", "f", '{"a": "cut')
    choice = Choice(Message("assistant", (call,)), "length")
    found = GENERATE.render_response(ChatResponse("r", "m", (choice,)), REQUEST)
    assert [loss.feature for loss in found.losses] == ["tools.arguments"]


def test_an_array_is_one_json_value() -> None:
    renderer = GENERATE_ARRAY.stream_renderer(REQUEST)
    events: list[StreamEvent] = [Started("r", "m"), TextDelta(0, "a"), Finished("stop"), Ended()]
    found = msgspec.json.decode(b"".join(map(renderer.render, events)))
    assert [chunk["candidates"][0].get("finishReason") for chunk in found] == [None, "STOP"]


def test_an_error_among_events_is_reported() -> None:
    event = b'data: {"error":{"code":503,"message":"Overloaded.","status":"UNAVAILABLE"}}\n\n'
    assert GENERATE.terminal(event) == "error"
    (failed,) = GENERATE.stream_parser().feed(event)
    assert failed == Failed("Overloaded.", "UNAVAILABLE", None, 503)
    assert (
        GENERATE.terminal(
            b'data: {"candidates":[{"content":{"parts":[{"text":"\\"error\\""}]}}]}\n\n'
        )
        is None
    )


def test_anothers_error_among_events_has_googles_word() -> None:
    event = GENERATE.stream_renderer(REQUEST).render(Failed("Wait.", "overloaded_error", None, 529))
    tree = msgspec.json.decode(sse.data_of(event) or b"")
    assert tree == {"error": {"code": 529, "message": "Wait.", "status": "UNAVAILABLE"}}


def test_an_event_that_is_no_element_breaks_the_stream_off() -> None:
    with pytest.raises(ProviderError, match="not a JSON object"):
        GENERATE.stream_parser().feed(b"data: [1]\n\n")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"error": {"message": "m"}}', b'{"candidates": [1]}']
)
def test_what_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(the response|it is an error|'candidates)"):
        GENERATE.parse_response(body)


def test_an_error_has_googles_form() -> None:
    error = RateLimited("Slow down.", retry_after=2.5)
    value = msgspec.json.decode(GENERATE.render_error(error, "req_1"))["error"]
    assert (value["code"], value["status"], value["message"]) == (
        429,
        "RESOURCE_EXHAUSTED",
        "Slow down.",
    )
    kinds = {detail["@type"].rpartition(".")[2]: detail for detail in value["details"]}
    assert kinds["RetryInfo"]["retryDelay"] == "2.5s"
    assert kinds["RequestInfo"]["requestId"] == "req_1"
    wrong = GENERATE.render_error(InvalidRequest("No.", param="contents"), "r")
    assert GENERATE.parse_error(400, wrong).param == "contents"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": 1}', b"null"])
def test_an_error_without_a_message_gets_one(body: bytes) -> None:
    assert GENERATE.parse_error(502, body).message == "The provider answered 502 without a message."
