"""Requests of Messages, read and written again: each behaviour by a small case."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackfield.dialects import Dialect, installed
from jackfield.errors import InvalidRequest
from jackfield.json_spans import texts
from jackfield.messages import (
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
from jackfield_anthropic.endpoints import BEDROCK, MESSAGES, VERTEX, VERTEX_COUNT_TOKENS
from jackfield_anthropic.fields import NAME

CHAT = installed("openai.chat")
USER: dict[str, Any] = {"role": "user", "content": "hi"}
BASE: dict[str, Any] = {"model": "claude-opus-5", "max_tokens": 9, "messages": [USER]}


def parse(**members: Any) -> ChatRequest:
    return MESSAGES.parse_request({**BASE, **members}, {})


def parse_turn(*blocks: dict[str, Any], role: str = "user") -> tuple[Message, ...]:
    return parse(messages=[{"role": role, "content": list(blocks)}]).messages


def again(tree: dict[str, Any], dialect: Dialect = MESSAGES) -> Any:
    return msgspec.json.decode(dialect.render_request(MESSAGES.parse_request(tree, {})).body)


def in_chat(**members: Any) -> tuple[Any, list[str]]:
    rendered = CHAT.render_request(parse(**members))
    return msgspec.json.decode(rendered.body), [loss.feature for loss in rendered.losses]


def test_text_in_either_form_is_one_text() -> None:
    block = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
    assert parse().messages[0].parts == (Text("hi"),)
    (message,) = parse_turn(block)
    assert message.parts == (Text("hi", (), {NAME: {"cache_control": {"type": "ephemeral"}}}),)


def test_the_system_prompt_is_the_first_message() -> None:
    request = parse(system="Be brief.")
    assert [message.role for message in request.messages] == ["system", "user"]
    assert in_chat(system="Be brief.")[0]["messages"][0] == {
        "role": "system",
        "content": "Be brief.",
    }


def test_results_of_tools_stand_apart_and_come_back_in_one_turn() -> None:
    result = {"type": "tool_result", "tool_use_id": "a", "content": "4", "is_error": True}
    text = {"type": "text", "text": "Go on."}
    messages = parse_turn(result, text)
    assert [message.role for message in messages] == ["tool", "user"]
    assert isinstance(messages[0].parts[0], ToolResult)
    assert messages[0].parts[0].is_error
    tree = {**BASE, "messages": [USER, {"role": "user", "content": [result, text]}]}
    assert again(tree) == tree


def test_two_turns_of_one_role_stay_two() -> None:
    tree = {**BASE, "messages": [USER, USER]}
    assert again(tree) == tree


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (
            {"type": "base64", "media_type": "image/png", "data": "AA=="},
            Image(data="AA==", media_type="image/png", extensions={NAME: {}}),
        ),
        ({"type": "url", "url": "https://e.org"}, Image("https://e.org", extensions={NAME: {}})),
        ({"type": "file", "file_id": "f"}, Image(file_id="f", extensions={NAME: {}})),
    ],
)
def test_images_have_three_sources(source: dict[str, Any], part: Image) -> None:
    assert parse_turn({"type": "image", "source": source})[0].parts == (part,)


@pytest.mark.parametrize(
    ("source", "part"),
    [
        (
            {"type": "text", "media_type": "text/plain", "data": "abc"},
            Document(text="abc", media_type="text/plain", name="t", extensions={NAME: {}}),
        ),
        (
            {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
            Document(data="AA==", media_type="application/pdf", name="t", extensions={NAME: {}}),
        ),
    ],
)
def test_documents_keep_title_and_type(source: dict[str, Any], part: Document) -> None:
    assert parse_turn({"type": "document", "title": "t", "source": source})[0].parts == (part,)


def test_a_document_of_blocks_is_text_to_others() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    block = {"type": "document", "source": {"type": "content", "content": content}}
    part = parse_turn(block)[0].parts[0]
    assert isinstance(part, Document)
    assert part.text == "a\nb"
    tree = {**BASE, "messages": [{"role": "user", "content": [block]}]}
    assert again(tree) == tree


def test_a_search_result_is_a_document_to_others() -> None:
    block = {
        "type": "search_result",
        "source": "https://example.org",
        "title": "t",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
        "citations": {"enabled": True},
    }
    tree = {**BASE, "messages": [{"role": "user", "content": [block]}]}
    assert again(tree) == tree
    (document,) = parse_turn(block)[0].parts
    assert isinstance(document, Document)
    changed = (Message("user", (replace(document, text="c"),)),)
    rendered = MESSAGES.render_request(replace(parse(), messages=changed))
    (content,) = msgspec.json.decode(rendered.body)["messages"][0]["content"]
    assert content == {**block, "content": [{"type": "text", "text": "c"}]}
    features = [f"anthropic.messages.document.{name}" for name in ("source", "citations")]
    assert in_chat(messages=tree["messages"])[1] == ["documents.text", *features]


def test_thoughts_and_calls_are_parts_of_the_models_turn() -> None:
    (message,) = parse_turn(
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
        {"type": "server_tool_use", "id": "b", "name": "web_search", "input": {}},
        role="assistant",
    )
    thought, redacted, call, opaque = message.parts
    assert thought == Reasoning("hm", signature="s", extensions={NAME: {}})
    assert redacted == Reasoning(encrypted="d", extensions={NAME: {}})
    assert call == ToolCall("a", "f", '{"x":1}')
    assert isinstance(opaque, Opaque)
    assert opaque.kind == "server_tool_use"


def test_tools_and_their_choice_are_read() -> None:
    tool = {"name": "f", "description": "d", "input_schema": {"type": "object"}, "strict": True}
    search = {"type": "web_search_20250305", "name": "web_search"}
    choice = {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    request = parse(tools=[tool, search], tool_choice=choice)
    assert request.tools[0] == Tool("f", "d", {"type": "object"}, True, extensions={NAME: {}})
    assert isinstance(request.tools[1], Opaque)
    assert request.tool_choice == ToolChoice("required", ("f",))
    assert request.parallel_tool_calls is False
    assert in_chat(tools=[tool, search])[1] == ["tools.strict", "tools.web_search_20250305"]


def test_what_others_know_too_is_carried_to_them() -> None:
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    body, losses = in_chat(
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": schema}},
        metadata={"user_id": "u"},
        stop_sequences=["x"],
        temperature=0.5,
        service_tier="standard_only",
    )
    assert body["reasoning_effort"] == "high"
    form = body["response_format"]["json_schema"]
    assert (form["schema"], form["strict"]) == (schema, True)
    assert (body["user"], body["stop"], body["temperature"]) == ("u", ["x"], 0.5)
    assert body["service_tier"] == "default"
    assert losses == []


def test_what_only_anthropic_knows_is_named_elsewhere_and_hints_are_not() -> None:
    _, losses = in_chat(
        container="c",
        thinking={"type": "at_dawn"},
        output_config={"task_budget": {"total": 1}},
        cache_control={"type": "ephemeral"},
    )
    assert losses == [
        "anthropic.messages.container",
        "anthropic.messages.output_config",
        "anthropic.messages.thinking",
    ]


def test_members_only_of_documents_are_losses_elsewhere() -> None:
    text = {"type": "text", "media_type": "text/plain", "data": "d"}
    cited = {"type": "document", "source": text, "context": "c", "citations": {"enabled": True}}
    tree = {**BASE, "messages": [{"role": "user", "content": [cited]}]}
    assert MESSAGES.render_request(MESSAGES.parse_request(tree, {})).losses == ()
    features = [f"anthropic.messages.document.{name}" for name in ("context", "citations")]
    assert in_chat(messages=tree["messages"])[1] == ["documents.text", *features]


def test_members_only_of_tools_are_losses_elsewhere() -> None:
    tool = {"name": "f", "input_schema": {}, "cache_control": {}, "input_examples": [{"a": 1}]}
    tree = {**BASE, "tools": [tool]}
    assert again(tree) == tree
    assert MESSAGES.render_request(MESSAGES.parse_request(tree, {})).losses == ()
    assert in_chat(tools=[tool])[1] == ["anthropic.messages.tool.input_examples"]


@pytest.mark.parametrize(
    ("caller", "lost"),
    [
        ({"type": "direct"}, []),
        ({"type": "code_execution_20260120", "tool_id": "s"}, ["anthropic.messages.call.caller"]),
    ],
)
def test_who_has_called_a_tool_is_named_unless_it_is_the_model(
    caller: dict[str, Any], lost: list[str]
) -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": caller}
    messages = [USER, {"role": "assistant", "content": [call]}, USER]
    assert in_chat(messages=messages)[1] == lost


def test_members_only_of_images_are_losses_elsewhere() -> None:
    source = {"type": "url", "url": "https://example.com/a.png"}
    image = {"type": "image", "source": source, "transformations": {"oversized_image": "error"}}
    lost = in_chat(messages=[{"role": "user", "content": [image]}])[1]
    assert lost == ["anthropic.messages.image.transformations"]


def test_members_only_of_results_are_losses_elsewhere() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "r", "toolset_name": "s"}
    turns = [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    tree = {**BASE, "messages": [USER, *turns]}
    assert again(tree) == tree
    assert in_chat(messages=tree["messages"])[1] == ["anthropic.messages.result.toolset_name"]


def test_the_effort_may_change_within_a_conversation() -> None:
    setting = {"role": "system", "output_config": {"effort": "low"}}
    tree = {**BASE, "messages": [USER, setting]}
    assert again(tree) == tree
    assert "anthropic.messages.message.output_config" in in_chat(**tree)[1]


def test_a_thread_goes_on_where_its_earlier_turns_are() -> None:
    tree = {**BASE, "thread": {"type": "continue", "previous_message_id": "msg_1"}}
    assert again(tree) == tree
    assert again({**tree, "messages": []})["messages"] == []
    request = MESSAGES.parse_request(tree, {})
    assert request.server_state == "msg_1"
    broken = [loss.feature for loss in CHAT.render_request(request).losses if loss.breaks]
    assert broken == ["conversation.server_state"]
    begun = {"thread": {"type": "create"}}
    assert parse(**begun).server_state is None
    assert in_chat(**begun)[1] == ["anthropic.messages.thread"]


def test_thinking_is_read() -> None:
    request = parse(thinking={"type": "enabled", "budget_tokens": 2048, "display": "summarized"})
    assert request.reasoning == ReasoningRequest(budget_tokens=2048, summary="auto")
    for kind in ("disabled", "between_tools"):
        assert parse(thinking={"type": kind}).reasoning == ReasoningRequest("none")
    adaptive = {"type": "adaptive", "display": "summarized"}
    assert parse(thinking=adaptive).reasoning == ReasoningRequest("high", summary="auto")
    low = parse(thinking=adaptive, output_config={"effort": "low"}).reasoning
    assert low == ReasoningRequest("low", summary="auto")
    assert [in_chat(thinking={"type": kind})[1] for kind in ("adaptive", "disabled")] == [[], []]
    assert parse(output_config={"effort": "low"}).reasoning == ReasoningRequest("low")


def test_the_former_place_of_the_schema_is_read() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    assert parse(output_format=form).response_format == ResponseFormat(
        "json_schema", schema={"type": "object"}
    )


def test_the_clouds_name_model_and_version_elsewhere() -> None:
    tree = {"max_tokens": 9, "messages": [USER], "anthropic_version": "bedrock-2023-05-31"}
    beta = {**tree, "anthropic_beta": ["b"]}
    request = BEDROCK.parse_request(beta, {"model": "anthropic.claude-x"})
    assert request.model == "anthropic.claude-x"
    assert msgspec.json.decode(BEDROCK.render_request(request).body) == beta
    vertex = VERTEX.render_request(request)
    assert msgspec.json.decode(vertex.body) == {**tree, "anthropic_version": "vertex-2023-10-16"}
    assert [loss.feature for loss in vertex.losses] == ["anthropic.messages.anthropic_beta"]
    direct = msgspec.json.decode(MESSAGES.render_request(request).body)
    assert direct == {"model": "anthropic.claude-x", "max_tokens": 9, "messages": [USER]}
    body = msgspec.json.encode(tree)
    assert BEDROCK.with_model(body, "application/json", "a", "b") == body


def test_counting_on_vertex_sends_a_version_and_no_settings() -> None:
    request = parse(temperature=0.5, stream=True, thinking={"type": "disabled"})
    body = msgspec.json.decode(VERTEX_COUNT_TOKENS.render_request(request).body)
    counted = {"model": "claude-opus-5", "messages": [USER], "thinking": {"type": "disabled"}}
    assert body == {**counted, "anthropic_version": "vertex-2023-10-16"}


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": ""}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "name": "f"}]}]},
            "messages[0].content[0].id",
        ),
        ({"system": 5}, "system"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"stop_sequences": [5]}, "stop_sequences"),
    ],
    ids=str,
)
def test_what_has_no_meaning_is_refused_by_name(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse(**members)
    assert raised.value.param == param


def test_documents_of_text_are_seen_by_plugins_and_pictures_are_not() -> None:
    plain = {"type": "text", "media_type": "text/plain", "data": "a letter"}
    picture = {"type": "base64", "media_type": "image/png", "data": "AAAA"}
    shown = [{"type": "document", "source": plain}, {"type": "image", "source": picture}]
    result = {"type": "tool_result", "tool_use_id": "1", "content": shown}
    body = msgspec.json.encode({"messages": [{"role": "user", "content": [*shown, result]}]})
    assert [one.value for one in texts(body, MESSAGES.request_texts)] == ["a letter", "a letter"]
