"""Requests of other dialects, made such that Anthropic accepts them: a small case each."""

from typing import Any

import msgspec
import pytest

from jackfield.dialects import Loss, installed
from jackfield.messages import (
    ChatRequest,
    Document,
    Image,
    Message,
    ReasoningRequest,
    ResponseFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from jackfield_anthropic.endpoints import MESSAGES
from jackfield_anthropic.generations import generation

CHAT = installed("openai.chat")
HI = Message("user", (Text("hi"),))
WEATHER = Tool("weather", parameters={"type": "object", "properties": {}})


def chat(*messages: Message, model: str = "claude-sonnet-4-6", **members: Any) -> ChatRequest:
    return ChatRequest(model, messages or (HI,), **members)


def render(request: ChatRequest) -> tuple[Any, list[Loss]]:
    rendered = MESSAGES.render_request(request)
    return msgspec.json.decode(rendered.body), list(rendered.losses)


def features(losses: list[Loss]) -> list[str]:
    return [loss.feature for loss in losses]


def test_a_request_without_a_limit_gets_one() -> None:
    body, losses = render(chat())
    assert body == {
        "model": "claude-sonnet-4-6",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 4096,
    }
    assert losses == []


def test_leading_instructions_are_the_system_prompt_and_later_ones_the_users() -> None:
    body, losses = render(
        chat(
            Message("system", (Text("a"),)),
            Message("developer", (Text("b"),)),
            HI,
            Message("system", (Text("c"),)),
        )
    )
    assert [block["text"] for block in body["system"]] == ["a", "b"]
    assert [block["text"] for block in body["messages"][0]["content"]] == [
        "hi",
        "<system>\nc\n</system>",
    ]
    assert features(losses) == ["messages.system"]


def test_instructions_alone_are_sent_as_the_users() -> None:
    body, losses = render(chat(Message("system", (Text("Say hi."),))))
    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": "Say hi."}]
    assert features(losses) == ["messages.system"]


def test_a_conversation_that_the_model_begins_gets_a_user_before_it() -> None:
    body, losses = render(chat(Message("assistant", (Text("Hello? "),))))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant"]
    assert body["messages"][1]["content"] == "Hello?"
    assert features(losses) == ["messages.order"]


def test_a_request_without_messages_is_refused() -> None:
    _, losses = render(ChatRequest("m", ()))
    assert [(loss.feature, loss.breaks) for loss in losses] == [("messages.empty", True)]


def test_a_refusal_names_the_file_and_not_the_empty_message_that_is_left() -> None:
    _, losses = render(chat(Message("user", (Document(file_id="file-1"),))))
    assert features(losses) == ["documents.file_id"]


def test_a_prediction_is_a_named_loss() -> None:
    _, losses = render(chat(HI, extensions={"openai.chat": {"prediction": {"content": "x"}}}))
    assert features(losses) == ["openai.chat.prediction"]


def test_results_come_first_in_the_turn_after_their_calls() -> None:
    calls = tuple(ToolCall(name, "weather", "{}") for name in ("a", "b"))
    body, losses = render(
        chat(
            HI,
            Message("assistant", (Text(""), *calls)),
            Message("tool", (ToolResult("a", (Text("1"),)),)),
            Message("user", (Text("and?"),)),
            Message("tool", (ToolResult("b", (Text("2"),), is_error=True),)),
            tools=(WEATHER,),
        )
    )
    assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"] * 2
    assert body["messages"][2]["content"] == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2", "is_error": True},
        {"type": "text", "text": "and?"},
    ]
    assert losses == []


def test_ids_and_arguments_that_anthropic_refuses_are_put_right() -> None:
    body, losses = render(
        chat(
            HI,
            Message("assistant", (ToolCall("functions.f:0", "f", "oops"),)),
            Message("tool", (ToolResult("functions.f:0", ()),)),
        )
    )
    (use,), (result,) = (turn["content"] for turn in body["messages"][1:])
    assert use["id"] == result["tool_use_id"] == "functions-2e-f-3a-0"
    assert use["input"] == {"input": "oops"}
    assert features(losses) == ["tools.arguments"]


def test_tools_get_a_schema_and_custom_ones_a_text() -> None:
    bare, custom = Tool("f"), Tool("g", kind="custom")
    body, losses = render(chat(tools=(bare, custom), parallel_tool_calls=False))
    assert body["tools"][0]["input_schema"] == {"type": "object", "properties": {}}
    assert body["tools"][1]["input_schema"]["required"] == ["input"]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert features(losses) == ["tools.custom"]


def test_the_grammar_of_a_free_text_becomes_a_description() -> None:
    form = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    body, _ = render(chat(tools=(Tool("g", kind="custom", input_format=form),)))
    (schema,) = body["tools"][0]["input_schema"]["properties"].values()
    assert schema["description"] == "Text in this lark grammar:\nstart: WORD"


def test_a_strict_tool_has_a_closed_schema() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}
    body, losses = render(chat(tools=(Tool("f", parameters=schema, strict=True),)))
    (tool,) = body["tools"]
    assert tool["strict"] is True
    assert tool["input_schema"]["additionalProperties"] is False
    assert tool["input_schema"]["properties"]["a"]["description"] == "{maxLength: 3}"
    assert features(losses) == ["tools.strict"]
    old = render(chat(tools=(Tool("f", strict=True),), model="claude-3-haiku-20240307"))
    assert "strict" not in old[0]["tools"][0]


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("required", ("weather",)), {"type": "tool", "name": "weather"}),
        (ToolChoice("auto", ("weather",)), {"type": "auto"}),
    ],
)
def test_a_tool_choice_is_written_in_anthropics_form(
    choice: ToolChoice, wire: dict[str, Any]
) -> None:
    body, losses = render(chat(tools=(WEATHER,), tool_choice=choice))
    assert body["tool_choice"] == wire
    assert losses == []
    assert "tool_choice" not in render(chat(tool_choice=choice))[0]


def test_documents_are_pdf_or_text() -> None:
    pdf = Document(data="AA==", name="a.pdf", media_type="application/pdf")
    text = Document(data="aGk=", media_type="text/csv")
    body, losses = render(chat(Message("user", (pdf, text, Document(text="t")))))
    sources = [block["source"] for block in body["messages"][0]["content"]]
    assert sources == [
        {"type": "base64", "media_type": "application/pdf", "data": "AA=="},
        {"type": "text", "media_type": "text/plain", "data": "hi"},
        {"type": "text", "media_type": "text/plain", "data": "t"},
    ]
    assert losses == []


@pytest.mark.parametrize(
    ("part", "feature"),
    [
        (Image(file_id="file-1"), "images.file_id"),
        (Image(data="AA==", media_type="image/bmp"), "images.media_type"),
        (Document(file_id="file-1"), "documents.file_id"),
        (Document(data="AA==", media_type="application/msword"), "documents.media_type"),
        (Document("https://youtu.be/x", media_type="video/mp4"), "documents.media_type"),
    ],
)
def test_media_that_anthropic_cannot_take_refuse_the_request(part: Any, feature: str) -> None:
    _, losses = render(chat(Message("user", (Text("See"), part))))
    assert [(loss.feature, loss.breaks) for loss in losses] == [(feature, True)]


@pytest.mark.parametrize("media_type", ["image/jpg", "IMAGE/JPEG; q=1", "image/jpeg"])
def test_an_image_has_the_name_of_its_type_that_anthropic_knows(media_type: str) -> None:
    image = Image(data="AA==", media_type=media_type)
    body, losses = render(chat(Message("user", (Text("See"), image))))
    assert body["messages"][0]["content"][1]["source"]["media_type"] == "image/jpeg"
    assert losses == []


def test_what_the_model_itself_made_may_be_missing() -> None:
    made = Message("assistant", (Text("Here:"), Image(data="AA==")))
    body, losses = render(chat(HI, made, HI))
    assert body["messages"][1]["content"] == "Here:"
    assert [(loss.feature, loss.breaks) for loss in losses] == [("messages.image", False)]


def test_a_schema_is_closed_and_its_limits_are_described() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 1, "description": "A"}},
    }
    form = ResponseFormat("json_schema", "n", schema, description="What it is for")
    body, losses = render(chat(response_format=form))
    kept = body["output_config"]["format"]["schema"]
    assert kept["description"] == "What it is for"
    assert kept["additionalProperties"] is False
    assert kept["properties"]["a"] == {"type": "integer", "description": "A\n\n{minimum: 1}"}
    assert features(losses) == ["response_format.json_schema"]
    assert features(render(chat(model="claude-3-haiku-20240307", response_format=form))[1]) == [
        "response_format.json_schema"
    ]


@pytest.mark.parametrize(
    ("model", "effort", "thinking", "config"),
    [
        ("claude-opus-4-8", "xhigh", "adaptive", {"effort": "xhigh"}),
        ("claude-sonnet-4-6", "minimal", "adaptive", {"effort": "low"}),
        ("claude-haiku-4-5", "low", "enabled", None),
        ("claude-haiku-4-5", "none", None, None),
    ],
)
def test_an_effort_is_written_as_the_generation_of_the_model_takes_it(
    model: str, effort: str, thinking: str | None, config: Any
) -> None:
    body, _ = render(chat(model=model, reasoning=ReasoningRequest(effort)))
    assert body.get("thinking", {}).get("type") == thinking
    assert body.get("output_config") == config
    if thinking == "enabled":
        assert body["max_tokens"] > body["thinking"]["budget_tokens"] >= 1024


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-8"])
def test_who_wants_no_thoughts_gets_none(model: str) -> None:
    body, losses = render(chat(model=model, reasoning=ReasoningRequest(budget_tokens=0)))
    assert "thinking" not in body
    assert losses == []
    reasoning = ReasoningRequest(summary="auto")
    assert features(render(chat(model=model, reasoning=reasoning))[1]) == ["reasoning.summary"]


@pytest.mark.parametrize(
    ("model", "kind", "effort", "lost"),
    [
        ("claude-opus-5", "disabled", None, []),
        ("claude-haiku-5-5", "disabled", None, []),
        ("claude-sonnet-5-5", "between_tools", None, []),
        ("claude-opus-5-5", None, "low", ["reasoning.effort"]),
        ("claude-fable-5", None, "low", ["reasoning.effort"]),
        ("claude-latest", None, None, []),
    ],
)
def test_a_model_that_thinks_by_default_gets_thinking_disabled(
    model: str, kind: str | None, effort: str | None, lost: list[str]
) -> None:
    body, losses = render(chat(model=model, reasoning=ReasoningRequest("none")))
    assert body.get("thinking", {}).get("type") == kind
    assert body.get("output_config", {}).get("effort") == effort
    assert features(losses) == lost


@pytest.mark.parametrize("names", [(), ("weather",)])
@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1"])
def test_a_call_that_the_model_cannot_be_made_to_make_is_named(
    model: str, names: tuple[str, ...]
) -> None:
    choice = ToolChoice("required", names)
    body, losses = render(chat(model=model, tools=(WEATHER,), tool_choice=choice))
    assert body["tool_choice"] == {"type": "auto"}
    assert features(losses) == ["tool_choice"]


def test_a_budget_gives_way_to_what_forbids_thinking() -> None:
    reasoning = ReasoningRequest(budget_tokens=2000)
    forced = ToolChoice("required")
    body, losses = render(chat(tools=(WEATHER,), tool_choice=forced, reasoning=reasoning))
    assert "thinking" not in body
    assert features(losses) == ["reasoning"]
    small, _ = render(chat(max_tokens=1500, reasoning=reasoning))
    assert small["thinking"]["budget_tokens"] == 1499
    assert "thinking" not in render(chat(max_tokens=100, reasoning=reasoning))[0]
    midway = (HI, Message("assistant", (ToolCall("a", "f", "{}"),)), Message("tool", ()))
    assert "thinking" not in render(chat(*midway, reasoning=reasoning))[0]


@pytest.mark.parametrize(
    ("model", "members", "kept", "lost"),
    [
        ("claude-sonnet-4-6", {"temperature": 1.5}, {"temperature": 1.0}, ["temperature"]),
        ("claude-sonnet-4-6", {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5}, ["top_p"]),
        ("claude-sonnet-4-6", {"top_p": 1, "top_k": 4}, {"top_k": 4}, []),
        ("claude-opus-5-5", {"temperature": 1, "top_k": 4}, {}, ["top_k"]),
        ("kimi-k3", {"temperature": 0.5}, {"temperature": 0.5}, []),
    ],
)
def test_sampling_options_that_the_model_refuses_are_lost_by_name(
    model: str, members: dict[str, Any], kept: dict[str, Any], lost: list[str]
) -> None:
    body, losses = render(chat(model=model, **members))
    assert {k: body[k] for k in ("temperature", "top_p", "top_k") if k in body} == kept
    assert features(losses) == lost


def test_what_there_are_no_words_for_is_named() -> None:
    _, losses = render(
        chat(
            seed=0,
            n=2,
            frequency_penalty=0.5,
            presence_penalty=0.0,
            logit_bias={"1": 1.0},
            logprobs=True,
            metadata={"a": "b"},
            modalities=("text", "audio"),
            server_state="resp_1",
            service_tier="flex",
            stop=(" ", "x"),
            extensions={"openai.chat": {"verbosity": "low", "prompt_cache_key": "k"}},
        )
    )
    names = {*("seed", "n", "penalties", "logit_bias", "logprobs", "metadata", "stop")}
    names |= {"audio", "conversation.server_state", "service_tier"}
    assert set(features(losses)) == names | {"openai.chat.verbosity"}
    assert [loss.feature for loss in losses if loss.breaks] == ["conversation.server_state"]


@pytest.mark.parametrize(
    ("model", "adaptive", "sampling"),
    [
        ("claude-3-5-sonnet-20241022", False, True),
        ("claude-sonnet-4-20250514", False, True),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", False, True),
        ("claude-opus-4-6@20260101", True, True),
        ("anthropic.claude-opus-4-7", True, False),
        ("claude-fable-5-2", True, False),
        ("claude-mythos-preview", True, False),
    ],
)
def test_the_generation_is_in_the_name(model: str, adaptive: bool, sampling: bool) -> None:
    found = generation(model)
    assert (found.adaptive, found.sampling) == (adaptive, sampling)
