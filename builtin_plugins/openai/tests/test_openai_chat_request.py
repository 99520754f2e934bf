"""Chat requests: what is read, what is written, what is lost."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from jackfield.errors import InvalidRequest
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Opaque,
    Reasoning,
    ReasoningRequest,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_openai.chat import ChatDialect

CHAT = ChatDialect()
WEATHER = Tool("weather", "Tells the weather", {"type": "object"})


def body(**fields: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hi"}], **fields}


def chat_of(*messages: dict[str, Any]) -> ChatRequest:
    return CHAT.parse_request({"model": "m", "messages": list(messages)}, {})


def rendered(request: ChatRequest) -> dict[str, Any]:
    wire: dict[str, Any] = json.loads(CHAT.render_request(request).body)
    return wire


def lost(request: ChatRequest) -> list[str]:
    return [loss.feature for loss in CHAT.render_request(request).losses]


def foreign(*messages: Message, **fields: Any) -> ChatRequest:
    return ChatRequest("m", messages, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 5},
        {"max_completion_tokens": 5, "stop": "x"},
        {"stop": ["x", "y"], "temperature": 0, "logit_bias": {"1": -100}},
        {"stream": False, "stream_options": None},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"reasoning_effort": "low", "verbosity": "high", "vendor": {"a": [1, None]}},
        {"reasoning": {"max_tokens": 2000, "exclude": True}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}},
        {"response_format": {"type": "regex", "pattern": "a+"}},
        {"tool_choice": "any", "top_k": 3, "seed": 1, "n": 2, "user": "u"},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
    ],
)
def test_fields_come_back_as_they_were_written(fields: dict[str, Any]) -> None:
    tree = body(**fields)
    assert rendered(CHAT.parse_request(tree, {})) == tree


@pytest.mark.parametrize(
    "message",
    [
        {"role": "developer", "content": [{"type": "text", "text": "x", "cache_control": {}}]},
        {"role": "user", "content": "", "name": "ann"},
        {"role": "user", "content": [{"type": "image_url", "image_url": "https://e.org/i.png"}]},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "x": 1}},
                {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
                {"type": "file", "file": {"file_id": "file-1"}},
                {"type": "video_url", "video_url": {"url": "https://e.org/v.mp4"}},
            ],
        },
        {"role": "assistant", "content": "a", "audio": {"id": "audio_1"}, "prefix": True},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": "a", "reasoning": "t", "reasoning_content": "t"},
        {"role": "assistant", "content": None, "refusal": "no", "tool_calls": None},
    ],
)
def test_messages_come_back_as_they_were_written(message: dict[str, Any]) -> None:
    assert rendered(chat_of(message))["messages"] == [message]


def test_data_urls_become_data_and_media_type() -> None:
    pdf = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA=="}
    image = {"url": "data:image/png;base64,BB==", "detail": "low"}
    content = [{"type": "file", "file": pdf}, {"type": "image_url", "image_url": image}]
    document, picture = chat_of({"role": "user", "content": content}).messages[0].parts
    assert isinstance(document, Document)
    assert isinstance(picture, Image)
    assert (document.data, document.media_type, document.name) == (
        "AA==",
        "application/pdf",
        "a.pdf",
    )
    assert (picture.data, picture.media_type, picture.detail) == ("BB==", "image/png", "low")


def test_reasoning_with_its_proof_is_one_part_and_goes_back_whole() -> None:
    details = [
        {"type": "reasoning.text", "text": "t", "signature": "s", "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "e", "id": "rs_1"},
    ]
    message = {"role": "assistant", "content": "a", "reasoning": "t", "reasoning_details": details}
    request = chat_of(message)
    reasoning = request.messages[0].parts[0]
    assert isinstance(reasoning, Reasoning)
    assert (reasoning.text, reasoning.signature, reasoning.encrypted) == ("t", "s", "e")
    assert rendered(request)["messages"] == [message]


def test_details_are_left_out_once_the_reasoning_was_changed() -> None:
    details = [{"type": "reasoning.text", "text": "secret"}]
    request = chat_of({"role": "assistant", "reasoning": "secret", "reasoning_details": details})
    part = request.messages[0].parts[0]
    assert isinstance(part, Reasoning)
    message = replace(request.messages[0], parts=(replace(part, text="[gone]"),))
    wire = CHAT.render_request(replace(request, messages=(message,))).body
    assert b"secret" not in wire
    assert b"[gone]" in wire


def test_a_changed_value_wins_over_the_form_it_came_in() -> None:
    request = CHAT.parse_request(body(stop="x", tool_choice="any", max_tokens=5), {})
    changed = replace(request, stop=(), tool_choice=ToolChoice("none"), max_tokens=7)
    wire = rendered(changed)
    assert "stop" not in wire
    assert (wire["tool_choice"], wire["max_tokens"]) == ("none", 7)


def test_calls_and_results_without_ids_are_paired_in_order() -> None:
    call = {"type": "function", "function": {"name": "f", "arguments": {"a": 1}}}
    request = chat_of(
        {"role": "assistant", "content": "", "tool_calls": [call, call]},
        {"role": "tool", "content": "one"},
        {"role": "tool", "content": "two"},
    )
    calls = [part for part in request.messages[0].parts if isinstance(part, ToolCall)]
    results = [
        part for m in request.messages[1:] for part in m.parts if isinstance(part, ToolResult)
    ]
    assert [r.tool_call_id for r in results] == [c.id for c in calls]
    assert len({c.id for c in calls}) == 2
    assert calls[0].arguments == '{"a":1}'


def test_legacy_functions_come_back_as_functions() -> None:
    tree = body(functions=[{"name": "f", "parameters": {"type": "object"}}], function_call="auto")
    tree["messages"] += [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    ]
    request = CHAT.parse_request(tree, {})
    call, result = request.messages[1].parts[0], request.messages[2].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert result.tool_call_id == call.id
    assert rendered(request) == tree


def test_custom_tools_and_allowed_tools_keep_their_meaning() -> None:
    grammar = {"syntax": "lark", "definition": "start: A"}
    form = {"type": "grammar", "grammar": grammar}
    allowed = [{"type": "custom", "custom": {"name": "sql"}}]
    choice = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": allowed}}
    tools = [{"type": "custom", "custom": {"name": "sql", "format": form}}]
    tree = body(tools=tools, tool_choice=choice)
    request = CHAT.parse_request(tree, {})
    tool = request.tools[0]
    assert isinstance(tool, Tool)
    assert tool.input_format == {"type": "grammar", **grammar}
    assert request.tool_choice == ToolChoice("auto", ("sql",))
    assert rendered(request) == tree
    assert rendered(replace(request, extensions={})) == tree


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"role": "user", "content": 5}, "messages[0].content"),
        ({"role": "user", "content": [{"type": 1}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"role": "wizard", "content": "x"}, "messages[0].role"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
        ({"role": "assistant", "tool_calls": [{}]}, "messages[0].tool_calls[0].function"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_path(message: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat_of(message)
    assert caught.value.param == param
    assert param in caught.value.message


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": {}}, "tools"),
        ({"stop": 5}, "stop"),
        ({"response_format": "json"}, "response_format.type"),
        ({"stream": "yes"}, "stream"),
    ],
)
def test_a_field_of_a_wrong_type_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CHAT.parse_request(body(**fields), {})
    assert caught.value.param == param


def test_a_request_of_another_dialect_is_plain_openai() -> None:
    request = foreign(
        Message("system", (Text("Be brief."),)),
        Message("user", (Text("hi"),)),
        tools=(WEATHER,),
        tool_choice=ToolChoice("required", ("weather",)),
        max_tokens=9,
        stop=("x",),
        reasoning=ReasoningRequest(effort="low"),
        response_format=ResponseFormat("json_object"),
        stream=True,
        include_usage=True,
    )
    function = {
        "name": "weather",
        "description": "Tells the weather",
        "parameters": {"type": "object"},
    }
    assert lost(request) == []
    assert rendered(request) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        "max_completion_tokens": 9,
        "tools": [{"type": "function", "function": function}],
        "stream": True,
        "stop": ["x"],
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "stream_options": {"include_usage": True},
    }


def test_results_become_messages_and_what_they_cannot_hold_follows_them() -> None:
    image = Image(data="AA==", media_type="image/png")
    results = (ToolResult("a", (Text("1"), image)), ToolResult("b", (Text("2"),), is_error=True))
    request = foreign(Message("user", (*results, Text("go on"))))
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    assert rendered(request)["messages"] == [
        {"role": "tool", "content": "1", "tool_call_id": "a"},
        {"role": "tool", "content": "2", "tool_call_id": "b"},
        {"role": "user", "content": [picture]},
        {"role": "user", "content": "go on"},
    ]
    assert lost(request) == ["tool_results.media", "tool_results.is_error"]


@pytest.mark.parametrize(
    ("request_", "features"),
    [
        (foreign(Message("assistant", (Reasoning("t", signature="s"),))), ["reasoning.replay"]),
        (foreign(Message("user", (Image(file_id="f"),))), ["images.file_id"]),
        (foreign(Message("user", (Document(text="x"),))), ["documents.text"]),
        (foreign(Message("user", (Document(url="https://e.org"),))), ["documents.url"]),
        (foreign(Message("assistant", (Audio(data="AA=="),))), ["audio.replay"]),
        (foreign(Message("user", (Opaque("other", "item", {}),))), ["messages.item"]),
        (foreign(tools=(Opaque("other", "web_search", {}),)), ["tools.web_search"]),
        (foreign(top_k=3), ["top_k"]),
        (foreign(reasoning=ReasoningRequest(budget_tokens=9)), ["reasoning.budget_tokens"]),
    ],
)
def test_what_chat_cannot_say_is_a_loss(request_: ChatRequest, features: list[str]) -> None:
    assert lost(request_) == features


@pytest.mark.parametrize("parts", [(), (Reasoning("t", signature="s"),)])
def test_an_earlier_turn_of_which_nothing_is_left_is_an_empty_text(parts: Any) -> None:
    request = foreign(Message("assistant", parts), Message("user", (Text("hi"),)))
    assert rendered(request)["messages"][0] == {"role": "assistant", "content": ""}


def test_an_earlier_turn_with_calls_alone_needs_no_text() -> None:
    request = foreign(Message("assistant", (ToolCall("a", "f", "{}"),)))
    assert rendered(request)["messages"][0]["content"] is None
