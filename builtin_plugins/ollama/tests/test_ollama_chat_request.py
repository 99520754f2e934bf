"""Requests of a chat: read, written back as they came, and written for what others say."""

from typing import Any

import msgspec
import pytest
from ollama._types import ChatRequest as SdkRequest

from jackfield.dialects import Loss, installed
from jackfield.errors import InvalidRequest
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Reasoning,
    ReasoningRequest,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_ollama.dialect import ChatDialect

CHAT = ChatDialect()
PNG = "iVBORw0KGgoAAAANSUhEUg=="
HI = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
WEATHER = Tool("weather", "Tells it", {"type": "object", "properties": {}})


def parsed(**members: Any) -> ChatRequest:
    return CHAT.parse_request(HI | members, {})


def again(request: ChatRequest) -> Any:
    return msgspec.json.decode(CHAT.render_request(request).body)


def chat_of(**members: Any) -> ChatRequest:
    return ChatRequest("m", (Message("user", (Text("Hi"),)),), **members)


def lost(request: ChatRequest) -> list[str]:
    return [loss.feature for loss in CHAT.render_request(request).losses]


def losses_for(other: str, **members: Any) -> list[str]:
    rendered = installed(other).render_request(parsed(**members))
    return [loss.feature for loss in rendered.losses]


def test_a_chat_streams_unless_stream_is_false() -> None:
    assert CHAT.peek(HI, {}).stream
    assert CHAT.peek(HI | {"stream": None}, {}).stream
    assert not CHAT.peek(HI | {"stream": False}, {}).stream
    assert again(parsed()) == HI
    assert again(chat_of())["stream"] is False


@pytest.mark.parametrize(
    "members",
    [
        {"stream": False, "keep_alive": "5m", "think": True, "format": "json"},
        {"think": "high", "format": {"type": "object"}, "logprobs": True, "top_logprobs": 2},
        {"think": False, "keep_alive": 0, "truncate": False, "format": ""},
        {"options": {"num_predict": 10, "stop": "a", "seed": 1, "top_k": 3, "min_p": 0.1}},
        {"options": {"num_predict": -1, "num_ctx": 4096, "stop": ["a", "b"], "temperature": 0}},
        {"options": {}, "tools": [], "keep_alive": None, "later": {"added": 1}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]},
        {"tools": [{"function": {"name": "f", "later": 1}}, {"type": "new", "new": {}}]},
    ],
)
def test_a_request_comes_back_as_it_was(members: dict[str, Any]) -> None:
    rendered = CHAT.render_request(parsed(**members))
    assert msgspec.json.decode(rendered.body) == HI | members
    assert rendered.losses == ()


def test_a_conversation_comes_back_as_it_was() -> None:
    call = {"function": {"name": "f", "arguments": {"a": [1, None, "é"]}}}
    messages = [
        {"role": "System", "content": "Be kind"},
        {"role": "user", "content": "Look", "images": [PNG]},
        {"role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [call, call]},
        {"role": "tool", "content": "1", "tool_name": "f"},
        {"role": "tool", "content": "2"},
        {"role": "assistant", "content": "", "tool_calls": [call | {"id": "x"}]},
        {"role": "tool", "content": "3", "tool_name": "f", "tool_call_id": "x"},
    ]
    rendered = CHAT.render_request(parsed(messages=messages))
    assert msgspec.json.decode(rendered.body)["messages"] == messages
    assert rendered.losses == ()


def test_calls_without_ids_get_stable_ones_that_results_find_by_name() -> None:
    def call(name: str) -> dict[str, Any]:
        return {"function": {"name": name, "arguments": {}}}

    calls = {"role": "assistant", "content": "", "tool_calls": [call("f"), call("g")]}
    results = [{"role": "tool", "content": name, "tool_name": name} for name in ("g", "f")]
    request = parsed(messages=[calls, *results])
    assert request == parsed(messages=[calls, *results])
    ids = {part.name: part.id for part in request.messages[0].parts if isinstance(part, ToolCall)}
    answered = [message.parts[0] for message in request.messages[1:]]
    found = {one.name: one.tool_call_id for one in answered if isinstance(one, ToolResult)}
    assert found == ids
    assert len(set(ids.values())) == 2


def test_requested_settings_have_canonical_names() -> None:
    options = {"num_predict": 9, "temperature": 0.5, "stop": ["x"], "top_k": 4, "seed": 7}
    request = parsed(options=options, think="low", format={"type": "object"})
    assert (request.max_tokens, request.temperature, request.stop) == (9, 0.5, ("x",))
    assert (request.top_k, request.seed) == (4, 7)
    assert request.reasoning == ReasoningRequest(effort="low")
    assert request.response_format == ResponseFormat("json_schema", schema={"type": "object"})
    assert CHAT.peek(HI | {"options": options}, {}).max_tokens == 9


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": "Hi"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "judge"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "images": [1]}]}, "messages[0].images[0]"),
        ({"messages": [{"role": "tool", "content": "1"}]}, "messages[0].tool_name"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"options": {"temperature": "hot"}}, "options.temperature"),
        ({"options": {"stop": [1]}}, "options.stop"),
        ({"format": "xml"}, "format"),
        ({"think": 3}, "think"),
        ({"stream": "no"}, "stream"),
    ],
)
def test_what_has_no_meaning_is_named(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(**members)
    assert caught.value.param == param


def test_a_request_without_a_model_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="model"):
        CHAT.peek({"messages": []}, {})


def test_ways_to_run_a_model_are_no_losses_elsewhere() -> None:
    hints = {"num_ctx": 8192, "num_gpu": 1, "num_predict": -1}
    assert losses_for("openai.chat", options=hints, keep_alive="1h", think=True) == []
    assert losses_for("openai.chat", options={"min_p": 0.1}) == ["ollama.chat.options"]


def test_another_vendors_conversation_is_written_for_the_sdk() -> None:
    image = Image(data=PNG, media_type="image/png")
    messages = (
        Message("developer", (Text("Be kind"),)),
        Message("user", (Text("Look"), image)),
        Message("assistant", (Reasoning("Hm"), ToolCall("c1", "weather", '{"at": "x"}'))),
        Message("tool", (ToolResult("c1", (Text("Sun"),)),)),
    )
    tools = (WEATHER, Tool("other"))
    wire = again(ChatRequest("m", messages, tools, max_tokens=5, reasoning=ReasoningRequest("low")))
    SdkRequest.model_validate(wire)
    call = {"id": "c1", "function": {"index": 0, "name": "weather", "arguments": {"at": "x"}}}
    assert wire["messages"] == [
        {"role": "system", "content": "Be kind"},
        {"role": "user", "content": "Look", "images": [PNG]},
        {"role": "assistant", "content": "", "thinking": "Hm", "tool_calls": [call]},
        {"role": "tool", "content": "Sun", "tool_name": "weather", "tool_call_id": "c1"},
    ]
    assert (wire["think"], wire["options"]) == ("low", {"num_predict": 5})


@pytest.mark.parametrize(
    ("members", "features"),
    [
        ({"n": 2, "logit_bias": {"1": 2.0}, "user": "u"}, ["logit_bias", "n", "user"]),
        ({"tool_choice": ToolChoice("none"), "tools": (WEATHER,)}, ["tool_choice.none"]),
        ({"tool_choice": ToolChoice("auto"), "tools": (WEATHER,)}, []),
        ({"tools": (Tool("c", kind="custom"),)}, ["tools.custom"]),
        ({"reasoning": ReasoningRequest(budget_tokens=99)}, ["reasoning.budget_tokens"]),
        ({"reasoning": ReasoningRequest("minimal")}, ["reasoning.effort"]),
        ({"server_state": "resp_1"}, ["conversation.server_state"]),
        ({"parallel_tool_calls": False, "tools": (WEATHER,)}, ["parallel_tool_calls"]),
        ({"modalities": ("text", "audio")}, ["audio"]),
    ],
)
def test_what_ollama_has_no_words_for_is_named(
    members: dict[str, Any], features: list[str]
) -> None:
    assert sorted(lost(chat_of(**members))) == features


def test_a_choice_of_tools_leaves_only_those() -> None:
    request = chat_of(tools=(WEATHER, Tool("other")), tool_choice=ToolChoice("auto", ("weather",)))
    assert [tool["function"]["name"] for tool in again(request)["tools"]] == ["weather"]
    assert lost(request) == ["tool_choice.names"]


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (Image(url="https://example.com/a.png"), "images.url"),
        (Image(file_id="file-1"), "images.file_id"),
        (Document(data="JVBERi0=", media_type="application/pdf"), "documents"),
        (Audio(data="UklGRg==", format="wav"), "audio"),
    ],
)
def test_what_only_another_question_could_leave_out_breaks(part: Any, feature: str) -> None:
    losses = CHAT.render_request(ChatRequest("m", (Message("user", (part,)),))).losses
    assert [(loss.feature, loss.breaks) for loss in losses] == [(feature, True)]


def test_a_document_of_text_becomes_text() -> None:
    document = Document(data="SGVsbG8=", media_type="text/plain", name="a.txt")
    request = ChatRequest("m", (Message("user", (Text("Read"), document)),))
    rendered = CHAT.render_request(request)
    assert msgspec.json.decode(rendered.body)["messages"][0]["content"] == "Read\n\na.txt\n\nHello"
    expected = Loss("documents.text", "messages[0]", "approximated", "as plain text")
    assert rendered.losses == (expected,)


def test_a_thought_goes_on_without_the_proof_of_another_vendor() -> None:
    thoughts = (Reasoning("Hm", signature="s"), Reasoning(encrypted="e"))
    request = ChatRequest("m", (Message("assistant", (*thoughts, Text("Hi"))),))
    assert again(request)["messages"][0]["thinking"] == "Hm"
    assert lost(request) == ["reasoning.replay"]
