"""Requests, read and written, and what is lost on the way."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from jackfield import InvalidRequest
from jackfield.dialects import Loss
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    ReasoningRequest,
    Refusal,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_tgi import GENERATE

JSON_MODE = ResponseFormat("json_object")
PLAIN = ChatRequest("m", (Message("user", (Text("Hello"),)),))


def written(request: ChatRequest) -> tuple[dict[str, Any], dict[str, bool]]:
    """The body, and of each loss whether it breaks the question."""
    rendered = GENERATE.render_request(request)
    return json.loads(rendered.body), {loss.feature: loss.breaks for loss in rendered.losses}


def read(**parameters: Any) -> ChatRequest:
    return GENERATE.parse_request({"inputs": "Hello", "parameters": parameters}, {"model": "m"})


def request_of(*parts: Part) -> ChatRequest:
    return ChatRequest("m", (Message("user", parts),))


def test_what_both_know_comes_back_the_same() -> None:
    request = replace(
        PLAIN,
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=4,
        seed=7,
        frequency_penalty=0.1,
        logprobs=True,
        top_logprobs=2,
        response_format=ResponseFormat("json_schema", schema={"type": "object"}),
    )
    body, losses = written(request)
    again = GENERATE.parse_request(body, {"model": "m"})
    message = replace(again.messages[0], extensions={})
    assert replace(again, messages=(message,), include_usage=False, extensions={}) == request
    assert losses == {}


def test_what_tgi_alone_knows_comes_back_the_same() -> None:
    own = {"repetition_penalty": 1.1, "typical_p": 0.9, "truncate": 5, "watermark": True}
    grammar = {"type": "regex", "value": "[0-9]+"}
    request = read(**own, grammar=grammar, best_of=2, do_sample=True)
    body, losses = written(request)
    expected = {**own, "grammar": grammar, "best_of": 2}
    assert {key: body["parameters"][key] for key in expected} == expected
    assert losses == {}


def test_what_is_switched_off_is_not_there() -> None:
    request = read(watermark=False, best_of=1, truncate=None, stop=[], decoder_input_details=False)
    assert request.extensions == {}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"temperature": 0.0, "top_p": 0.5}, {"do_sample": False}),
        ({"top_p": 0.0}, {"do_sample": False}),
        ({"temperature": 1.0, "top_p": 1.0}, {"do_sample": True, "temperature": 1.0}),
        ({"top_p": 0.5, "top_k": 3}, {"top_p": 0.5, "top_k": 3}),
    ],
)
def test_sampling_is_sent_as_tgi_accepts_it(given: Any, expected: Any) -> None:
    body, _ = written(replace(PLAIN, **given))
    sampling = ("do_sample", "temperature", "top_p", "top_k")
    assert {key: body["parameters"][key] for key in sampling if key in body["parameters"]} == (
        expected
    )


def test_no_sampling_is_a_temperature_of_nought() -> None:
    assert read(do_sample=False).temperature == 0.0
    assert read(do_sample=False, temperature=0.8).temperature == 0.8
    assert read().temperature is None


def test_a_schema_may_have_a_name() -> None:
    value = {"name": "city", "schema": {"type": "object"}}
    form = read(grammar={"type": "json_schema", "value": value}).response_format
    assert form == ResponseFormat("json_schema", "city", {"type": "object"})


def test_no_limit_is_sent_explicitly() -> None:
    body, _ = written(PLAIN)
    assert body["parameters"]["max_new_tokens"] is None


def test_a_conversation_becomes_a_transcript() -> None:
    messages = (
        Message("system", (Text("Be brief."),)),
        Message("user", (Text("Hi."), Text("Who are you?"))),
        Message("assistant", (Text("Gemma."),)),
        Message("user", (Text("Really?"),)),
    )
    body, losses = written(ChatRequest("m", messages))
    assert body["inputs"] == (
        "System: Be brief.\n\nUser: Hi.\nWho are you?\n\nAssistant: Gemma.\n\n"
        "User: Really?\n\nAssistant:"
    )
    assert losses == {"messages": False}


def test_an_answer_that_has_begun_goes_on() -> None:
    messages = (Message("user", (Text("Hi."),)), Message("assistant", (Text("Well,"),)))
    body, _ = written(ChatRequest("m", messages))
    assert body["inputs"] == "User: Hi.\n\nAssistant: Well,"


@pytest.mark.parametrize(
    ("part", "feature", "breaks"),
    [
        (Image(url="https://example.com/a.png"), "images", True),
        (Audio("UklGRg==", "wav"), "audio", True),
        (Document(url="https://example.com/a.pdf"), "documents", True),
        (Document(text="Words"), "documents.text", False),
        (Refusal("No."), "refusals", False),
        (Reasoning("Hm."), "reasoning.replay", False),
        (ToolCall("1", "weather", "{}"), "tool_calls", True),
        (ToolResult("1", (Text("Rain"),)), "tool_results", True),
        (
            Opaque("openai.responses", "web_search_call", {}),
            "messages.web_search_call",
            True,
        ),
    ],
)
def test_a_part_that_is_no_text_is_named(part: Part, feature: str, breaks: bool) -> None:
    body, losses = written(request_of(Text("Hello"), part))
    assert body["inputs"].startswith("Hello")
    assert losses == {feature: breaks}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"n": 2}, {"n": False}),
        ({"n": 1}, {}),
        ({"logit_bias": {"1": 1.0}}, {"logit_bias": False}),
        ({"presence_penalty": 0.5}, {"presence_penalty": False}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"reasoning": ReasoningRequest("low")}, {"reasoning": False}),
        ({"user": "u"}, {"user": False}),
        ({"metadata": {"a": "b"}}, {"metadata": False}),
        ({"service_tier": "flex"}, {"service_tier": False}),
        ({"store": True}, {"store": False}),
        ({"modalities": ("text", "audio")}, {"modalities": False}),
        ({"stop": ("END",)}, {"stop": False}),
        ({"logprobs": True, "top_logprobs": 20}, {"top_logprobs": False}),
        ({"response_format": ResponseFormat("text")}, {}),
        (
            {"response_format": ResponseFormat("json_object")},
            {"response_format.json_object": False},
        ),
        ({"server_state": "resp_1"}, {"conversation.server_state": True}),
        ({"extensions": {"acme.chat": {"mood": "good"}}}, {"acme.chat.mood": False}),
        ({"tools": (Tool("weather"),)}, {"tools": False}),
        ({"tools": (Tool("weather"),), "tool_choice": ToolChoice("none")}, {}),
        ({"tools": (Tool("weather"),), "tool_choice": ToolChoice("required")}, {"tools": True}),
    ],
)
def test_what_tgi_cannot_express_is_named(given: Any, expected: dict[str, bool]) -> None:
    assert written(replace(PLAIN, **given))[1] == expected


def test_a_loss_says_what_became_of_it() -> None:
    rendered = GENERATE.render_request(replace(PLAIN, stop=("END",)))
    detail = "the answer includes the stop sequence"
    assert rendered.losses == (Loss("stop", "stop", "approximated", detail),)


@pytest.mark.parametrize(
    ("tree", "field"),
    [
        ({}, None),
        ([], None),
        ({"inputs": 1}, "inputs"),
        ({"inputs": "", "parameters": 1}, "parameters"),
        ({"inputs": "", "parameters": {"max_new_tokens": "9"}}, "parameters.max_new_tokens"),
        ({"inputs": "", "parameters": {"stop": [1]}}, "parameters.stop[0]"),
        ({"inputs": "", "stream": "yes"}, "stream"),
    ],
)
def test_a_wrong_type_is_refused_with_its_place(tree: Any, field: str | None) -> None:
    for reading in (GENERATE.peek, GENERATE.parse_request):
        with pytest.raises(InvalidRequest) as caught:
            reading(tree, {})
        assert caught.value.param == field


def test_the_top_of_a_request_is_read() -> None:
    tree = {"inputs": "Hello", "parameters": {"max_new_tokens": 9}, "stream": True}
    top = GENERATE.peek(tree, {"model": "demo/chat"})
    assert (top.model, top.stream, top.max_tokens) == ("demo/chat", True, 9)
