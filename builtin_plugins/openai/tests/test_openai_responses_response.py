"""Complete answers in the Responses dialect, read and written."""

from typing import Any

import msgspec
import pytest
from openai.types.responses import Response

from jackfield.messages import (
    Audio,
    ChatRequest,
    ChatResponse,
    Choice,
    Citation,
    FinishReason,
    Image,
    Message,
    Part,
    Reasoning,
    Refusal,
    Text,
    Tool,
    ToolCall,
    Usage,
)
from jackfield.rates import IMAGE_TOOL
from jackfield_openai.responses import ResponsesDialect

RESPONSES = ResponsesDialect()
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),))


def answer(
    *parts: Part, reason: FinishReason | None = "stop", request: ChatRequest = REQUEST
) -> dict[str, Any]:
    response = ChatResponse(
        "chatcmpl-abc", "m", (Choice(Message("assistant", parts), reason),), Usage(3, 4, 1), 1700
    )
    body: dict[str, Any] = msgspec.json.decode(RESPONSES.render_response(response, request).body)
    Response.model_validate(body)
    return body


def parse(**members: Any) -> ChatResponse:
    body = {"id": "resp_1", "model": "m", "status": "completed", "output": [], **members}
    return RESPONSES.parse_response(msgspec.json.encode(body))


def test_parts_become_items_in_order_with_reproducible_ids() -> None:
    parts = (Reasoning("hm"), Text("Wait."), ToolCall("call_1", "f", "{}"))
    body = answer(*parts, reason="tool_calls")
    assert [item["type"] for item in body["output"]] == ["reasoning", "message", "function_call"]
    assert body["output"][0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    assert body["output"][2]["call_id"] == "call_1"
    assert body["id"] == "resp_abc"
    assert [item["id"] for item in body["output"]] == ["rs_abc_0", "msg_abc_1", "fc_abc_2"]
    assert answer(*parts, reason="tool_calls") == body


@pytest.mark.parametrize(
    ("reason", "status", "details"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "incomplete", {"reason": "content_filter"}),
        ("other", "completed", None),
        (None, "completed", None),
    ],
)
def test_the_finish_becomes_a_status(
    reason: FinishReason | None, status: str, details: dict[str, str] | None
) -> None:
    body = answer(Text("x"), reason=reason)
    assert (body["status"], body["incomplete_details"]) == (status, details)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "stop"),
        ({"output": [{"type": "function_call", "call_id": "a", "name": "f"}]}, "tool_calls"),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            "length",
        ),
        (
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
            "content_filter",
        ),
        ({"status": "queued"}, None),
    ],
)
def test_the_status_becomes_a_finish(members: dict[str, Any], reason: str | None) -> None:
    assert parse(**members).choices[0].finish_reason == reason


@pytest.mark.parametrize("details", [None, {"reason": "steered"}])
def test_an_answer_that_is_incomplete_for_another_reason_stays_so(details: Any) -> None:
    response = parse(status="incomplete", incomplete_details=details)
    body = msgspec.json.decode(RESPONSES.render_response(response, REQUEST).body)
    assert (body["status"], body["incomplete_details"]) == ("incomplete", details)


def test_a_call_cut_short_is_not_complete() -> None:
    body = answer(Text("x"), ToolCall("a", "f", '{"a'), reason="length")
    assert [item["status"] for item in body["output"]] == ["completed", "incomplete"]


def test_an_image_at_the_end_of_an_answer_cut_short_is_complete() -> None:
    body = answer(Text("x"), Image(data="aGk=", media_type="image/png"), reason="length")
    assert [item["status"] for item in body["output"]] == ["completed", "completed"]


def test_a_sources_words_are_lost_unless_the_answer_has_them() -> None:
    cited = (Citation("https://a", cited_text="Hi"), Citation("https://a", cited_text="Bye"))
    message = Message("assistant", (Text("Hi.", cited),))
    response = ChatResponse("c", "m", (Choice(message, "stop"),))
    (loss,) = RESPONSES.render_response(response, REQUEST).losses
    assert (loss.feature, loss.path[-12:]) == ("citations.cited_text", "citations[1]")


def test_an_answer_names_the_tier_that_served_it() -> None:
    message = Message("assistant", (Text("Hi."),))
    for tier, reported in (("priority", "priority"), ("standard", "default")):
        usage = Usage(1, 1, service_tier=tier)
        response = ChatResponse("c", "m", (Choice(message, "stop"),), usage)
        body = msgspec.json.decode(RESPONSES.render_response(response, REQUEST).body)
        assert body["service_tier"] == reported


def test_refusals_and_citations_keep_their_form() -> None:
    cited = Text("See.", (Citation("https://example.com", "Title", None, 0, 3),))
    body = answer(cited, Refusal("No."))
    text, refusal = body["output"][0]["content"]
    assert text["annotations"] == [
        {
            "type": "url_citation",
            "url": "https://example.com",
            "title": "Title",
            "start_index": 0,
            "end_index": 3,
        }
    ]
    assert refusal == {"type": "refusal", "refusal": "No."}


def test_usage_counts_cached_and_reasoning_tokens() -> None:
    usage = Usage(10, 20, 4, 2, 8)
    choices = (Choice(Message("assistant", (Text("x"),)), "stop"),)
    response = ChatResponse("r", "m", choices, usage)
    body = msgspec.json.decode(RESPONSES.render_response(response, REQUEST).body)
    assert body["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 8},
        "total_tokens": 30,
    }
    read = RESPONSES.usage(msgspec.json.encode(body))
    assert read is not None
    assert (read.input_tokens, read.cached_input_tokens, read.reasoning_tokens) == (10, 4, 8)


def test_usage_counts_audio_where_there_is_any() -> None:
    choices = (Choice(Message("assistant", (Text("x"),)), "stop"),)
    usage = Usage(10, 20, audio_input_tokens=3, audio_output_tokens=5)
    rendered = RESPONSES.render_response(ChatResponse("r", "m", choices, usage), REQUEST)
    reported = Response.model_validate_json(rendered.body).usage
    assert reported is not None
    assert reported.input_tokens_details.model_extra == {"audio_tokens": 3}
    assert reported.output_tokens_details.model_extra == {"audio_tokens": 5}
    read = RESPONSES.usage(rendered.body)
    assert read is not None
    assert (read.audio_input_tokens, read.audio_output_tokens) == (3, 5)


def test_a_generated_image_is_an_item_and_speech_is_its_transcript() -> None:
    body = answer(Image(data="aGk="), Audio(data="UklG", transcript="Hello."))
    assert body["output"][0]["result"] == "aGk="
    assert body["output"][1]["content"][0]["text"] == "Hello."


def test_the_request_is_repeated() -> None:
    request = RESPONSES.parse_request(
        {
            "model": "m",
            "input": "hi",
            "instructions": "Be brief.",
            "tools": [{"type": "function", "name": "f", "parameters": {}, "strict": True}],
            "tool_choice": "required",
            "temperature": 0.5,
            "max_output_tokens": 99,
            "text": {"verbosity": "low"},
            "metadata": {"a": "b"},
        },
        {},
    )
    body = answer(Text("x"), request=request)
    assert body["instructions"] == "Be brief."
    assert body["tools"][0]["name"] == "f"
    assert (body["tool_choice"], body["temperature"]) == ("required", 0.5)
    assert (body["max_output_tokens"], body["metadata"]) == (99, {"a": "b"})
    assert body["text"] == {"format": {"type": "text"}, "verbosity": "low"}


def test_the_request_of_another_dialect_is_repeated_in_this_ones_words() -> None:
    request = ChatRequest("m", (), tools=(Tool("f", parameters={"type": "object"}),), store=None)
    body = answer(Text("x"), request=request)
    assert body["tools"] == [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}
    ]
    assert body["store"] is False


def test_several_answers_are_one_and_a_loss() -> None:
    choices = tuple(Choice(Message("assistant", (Text(t),)), "stop") for t in "ab")
    rendered = RESPONSES.render_response(ChatResponse("r", "m", choices), REQUEST)
    assert [loss.feature for loss in rendered.losses] == ["n"]
    assert b'"a"' in rendered.body
    assert b'"b"' not in rendered.body


def test_items_of_servers_tools_ride_along() -> None:
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"q": 1}}
    response = parse(output=[search], object="response", custom_member=1)
    body = msgspec.json.decode(RESPONSES.render_response(response, REQUEST).body)
    assert body["output"] == [search]
    assert (body["id"], body["custom_member"]) == ("resp_1", 1)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"no",
        b'{"output":3}',
        b'{"output":[3]}',
        b'{"output":[{"type":"function_call","name":3}]}',
        b'{"output":[{"type":"message","role":"assistant","content":[3]}]}',
        b'{"output":[],"status":"failed","error":{"code":"server_error","message":"no"}}',
    ],
)
def test_what_is_no_response_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        RESPONSES.parse_response(body)


@pytest.mark.parametrize(
    ("tools", "model"),
    [
        ('[{"type":"image_generation","model":"gpt-image-1"}]', "gpt-image-1"),
        ('[{"type":"image_generation","model":7}]', IMAGE_TOOL),
        ('["image_generation"]', IMAGE_TOOL),
        ("7", IMAGE_TOOL),
    ],
)
def test_images_are_billed_to_the_model_that_a_tool_names(tools: str, model: str) -> None:
    made = '{"image_gen":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}'
    body = f'{{"output":[],"usage":{{"input_tokens":1}},"tool_usage":{made},"tools":{tools}}}'
    usage = RESPONSES.usage(body.encode())
    assert usage is not None
    assert [bill.model for bill in usage.bills] == [None, model]
