"""Requests in the Responses dialect: read, written, and what does not fit."""

from typing import Any

import msgspec
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
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_openai.responses import ResponsesDialect

RESPONSES = ResponsesDialect()
NAME = "openai.responses"


def parse(**members: Any) -> ChatRequest:
    return RESPONSES.parse_request({"model": "m", **members}, {})


def render(request: ChatRequest) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.json.decode(RESPONSES.render_request(request).body)
    return body


def losses(request: ChatRequest) -> list[tuple[str, str]]:
    return [(loss.feature, loss.how) for loss in RESPONSES.render_request(request).losses]


def chat_of(*messages: Message, **settings: Any) -> ChatRequest:
    written = messages or (Message("user", (Text("hi"),)),)
    return ChatRequest("m", written, **settings)


def test_a_string_is_the_users_text() -> None:
    request = parse(input="hi", instructions="Be brief.")
    assert [(m.role, m.parts[0]) for m in request.messages] == [
        ("system", Text("Be brief.")),
        ("user", Text("hi")),
    ]
    assert render(request)["instructions"] == "Be brief."


def test_instructions_stay_instructions_behind_a_message_that_a_plugin_put_first() -> None:
    request = parse(input="hi", instructions="Be brief.")
    first = Message("system", (Text("Be kind."),))
    body = render(replace(request, messages=(first, *request.messages)))
    assert body["instructions"] == "Be brief."
    assert body["input"][0] == {"role": "system", "content": "Be kind."}


def test_one_turn_of_the_model_is_one_message_and_comes_back_as_its_items() -> None:
    items = [
        {"role": "user", "content": "Weather?"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {
            "type": "message",
            "role": "assistant",
            "id": "msg_1",
            "status": "completed",
            "phase": "commentary",
            "content": [{"type": "output_text", "text": "I look."}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "function_call", "id": "fc_2", "call_id": "b", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": "2"},
    ]
    request = parse(input=items)
    assert [m.role for m in request.messages] == ["user", "assistant", "tool", "tool"]
    assert [type(p).__name__ for p in request.messages[1].parts] == [
        "Reasoning",
        "Text",
        "ToolCall",
        "ToolCall",
    ]
    assert render(request)["input"] == items


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "msg_1"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "x"}},
        {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True},
        {"type": "local_shell_call", "id": "s", "call_id": "c", "action": {"command": ["ls"]}},
        {"type": "local_shell_call_output", "id": "s", "output": "README"},
        {"type": "image_generation_call", "id": "ig_1", "result": "aGk=", "status": "completed"},
        {"type": "something_new", "whatever": [1]},
    ],
    ids=lambda item: str(item["type"]),
)
def test_items_of_this_dialect_alone_come_back_in_their_place(item: dict[str, Any]) -> None:
    items = [{"role": "user", "content": "a"}, item, {"role": "user", "content": "b"}]
    assert render(parse(input=items))["input"] == items


def test_a_reference_to_a_thought_is_of_the_models_turn() -> None:
    thought = {"type": "item_reference", "id": "rs_1"}
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    request = parse(input=[{"role": "user", "content": "a"}, thought, call])
    assert [message.role for message in request.messages] == ["user", "assistant"]
    assert render(request)["input"][1] == thought


def test_several_summaries_of_one_thought_stay_one_item() -> None:
    item = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}],
        "encrypted_content": "x",
    }
    request = parse(input=[item, {**item, "encrypted_content": "y"}])
    texts = [p.text for p in request.messages[0].parts if isinstance(p, Reasoning)]
    assert texts == ["a", "b", "a", "b"]
    assert render(request)["input"] == [item, {**item, "encrypted_content": "y"}]


def test_an_empty_summary_and_no_thoughts_come_back_with_their_proof() -> None:
    item = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": ""}],
        "content": [],
        "encrypted_content": "gAAA",
    }
    assert render(parse(input=[item]))["input"] == [item]


def test_a_file_keeps_its_name_whatever_its_ending() -> None:
    block = {"type": "input_file", "filename": "notes", "file_data": "data:text/plain;base64,aGk="}
    item = {"role": "user", "content": [block]}
    assert render(parse(input=[item]))["input"][0]["content"] == [block]


def test_a_free_form_call_keeps_its_kind_and_so_does_its_output() -> None:
    items = [
        {"type": "custom_tool_call", "call_id": "a", "name": "apply_patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "done"},
    ]
    request = parse(input=items)
    assert request.messages[0].parts[0] == ToolCall(
        "a", "apply_patch", "*** Begin", "custom", {NAME: {}}
    )
    assert render(request)["input"] == items


def test_an_output_follows_the_kind_of_its_call() -> None:
    call = Message("assistant", (ToolCall("a", "patch", "text", "custom"),))
    result = Message("tool", (ToolResult("a", (Text("ok"),)),))
    kinds = [item["type"] for item in render(chat_of(call, result))["input"]]
    assert kinds == ["custom_tool_call", "custom_tool_call_output"]


def test_members_without_a_canonical_place_come_back() -> None:
    members = {
        "include": ["reasoning.encrypted_content"],
        "truncation": "auto",
        "background": True,
        "max_tool_calls": 3,
        "prompt": {"id": "pmpt_1"},
        "text": {"verbosity": "low", "format": {"type": "json_object"}},
        "reasoning": {"effort": "low", "summary": "auto", "context": "all"},
        "some_new_member": {"a": 1},
    }
    assert render(parse(input="hi", **members)).items() >= members.items()


def test_images_and_files_come_and_go_as_data_urls_and_ids() -> None:
    content = [
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
        {"type": "input_image", "file_id": "file_1"},
        {
            "type": "input_file",
            "filename": "a.pdf",
            "file_data": "data:application/pdf;base64,aGk=",
        },
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]
    request = parse(input=[{"role": "user", "content": content}])
    image, _, document, _ = request.messages[0].parts
    assert isinstance(image, Image)
    assert (image.data, image.media_type, image.url) == ("aGk=", "image/png", None)
    assert isinstance(document, Document)
    assert (document.data, document.media_type) == ("aGk=", "application/pdf")
    assert render(request)["input"][0]["content"] == content


def test_content_of_an_unknown_type_stays_in_its_message() -> None:
    items = [
        {"role": "user", "content": [{"type": "input_video", "url": "x"}]},
        {"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]},
        {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "No."}, {"type": "output_new", "a": 1}],
        },
    ]
    assert render(parse(input=items))["input"] == items


def test_a_plain_text_document_is_a_file() -> None:
    request = chat_of(Message("user", (Document(text="hi", name="a.txt"),)))
    assert render(request)["input"][0]["content"] == [
        {"type": "input_file", "file_data": "data:text/plain;base64,aGk=", "filename": "a.txt"}
    ]


def test_a_failed_tool_is_sent_as_its_text_alone() -> None:
    request = chat_of(Message("tool", (ToolResult("a", (Text("boom"),), is_error=True),)))
    assert render(request)["input"] == [
        {"type": "function_call_output", "call_id": "a", "output": "boom"}
    ]
    assert losses(request) == [("tool_results.is_error", "approximated")]


def test_parts_that_only_another_dialect_knows_are_lost_by_name() -> None:
    block = Opaque("vendor.x", "thinking_block", {"a": 1})
    request = chat_of(
        Message("user", (block,)),
        Message("assistant", (block, Image(url="https://example.com/a.png"))),
        tools=(Opaque("vendor.x", "search", {"a": 1}),),
    )
    assert [feature for feature, _ in losses(request)] == [
        "messages.thinking_block",
        "messages.thinking_block",
        "messages.image",
        "tools.search",
    ]


def test_tools_of_any_kind_come_back() -> None:
    tools = [
        {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True},
        {"type": "function", "name": "g", "parameters": {"type": "object"}, "defer_loading": True},
        {"type": "custom", "name": "c", "format": {"type": "grammar", "syntax": "lark"}},
        {"type": "web_search", "search_context_size": "low"},
    ]
    request = parse(input="hi", tools=tools)
    assert isinstance(request.tools[3], Opaque)
    assert render(request)["tools"] == tools


def test_strict_and_store_are_sent_where_leaving_them_out_means_the_opposite() -> None:
    body = render(chat_of(tools=(Tool("f"),)))
    assert body["tools"][0]["strict"] is False
    assert body["tools"][0]["parameters"] == {"type": "object", "properties": {}}
    assert body["store"] is False


@pytest.mark.parametrize(
    "choice",
    [
        "auto",
        "none",
        "required",
        {"type": "function", "name": "f"},
        {"type": "web_search"},
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
    ],
)
def test_the_choice_of_tools_comes_back(choice: Any) -> None:
    tools = [{"type": "function", "name": "f", "parameters": {}, "strict": False}]
    assert render(parse(input="hi", tools=tools, tool_choice=choice))["tool_choice"] == choice


def test_several_names_become_allowed_tools() -> None:
    request = chat_of(
        tools=(Tool("f"), Tool("c", kind="custom")),
        tool_choice=ToolChoice("required", ("f", "c")),
    )
    assert render(request)["tool_choice"] == {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}],
    }


def test_what_the_api_has_no_word_for_is_lost_by_name() -> None:
    request = chat_of(
        Message("user", (Text("hi"), Audio("aGk=", "wav")), name="Bob"),
        n=2,
        stop=("x",),
        seed=1,
        logit_bias={"1": 2.0},
        frequency_penalty=0.5,
        presence_penalty=0.5,
        top_k=3,
        modalities=("text", "audio"),
        extensions={"other": {"knob": 1, "$note": 1}},
    )
    assert [feature for feature, _ in losses(request)] == [
        "message.name",
        "audio",
        "stop",
        "seed",
        "penalties",
        "penalties",
        "logit_bias",
        "top_k",
        "n",
        "audio",
        "other.knob",
    ]


def test_a_budget_becomes_an_effort() -> None:
    request = chat_of(reasoning=ReasoningRequest(budget_tokens=4096))
    assert render(request)["reasoning"] == {"effort": "medium"}
    assert losses(request) == [("reasoning.budget_tokens", "approximated")]


def test_thoughts_of_another_provider_are_not_sent_back() -> None:
    request = chat_of(Message("assistant", (Reasoning("hm", signature="s"), Text("Yes."))))
    written = {"type": "message", "role": "assistant", "content": "Yes."}
    assert render(request)["input"] == [written]
    assert losses(request) == [("reasoning.replay", "dropped")]


@pytest.mark.parametrize(
    "state", [{"previous_response_id": "resp_1"}, {"conversation": {"id": "resp_1"}}]
)
def test_turns_that_only_the_provider_has_are_known(state: dict[str, Any]) -> None:
    request = parse(input="And then?", **state)
    assert request.server_state == "resp_1"
    assert render(request).items() >= state.items()
    assert losses(request) == []


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"input": 3}, "input"),
        ({"input": ["x"]}, "input[0]"),
        ({"input": [{"role": "boss", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 3}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": ["x"]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call_output", "output": "x"}]}, "input[0].call_id"),
        ({"input": "x", "temperature": "hot"}, "temperature"),
        ({"input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"input": "x", "tool_choice": "maybe"}, "tool_choice"),
        ({"input": "x", "text": {"format": {"type": "xml"}}}, "text.format.type"),
    ],
)
def test_what_has_no_meaning_is_refused_by_its_name(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(**members)
    assert refused.value.param == param
