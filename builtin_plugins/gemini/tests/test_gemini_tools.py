"""Tools, the choice among them, their schemas, and how much to think."""

from typing import Any

import msgspec
import pytest

from jackfield.dialects import installed
from jackfield.messages import ChatRequest, Message, ReasoningRequest, Text, Tool, ToolChoice
from jackfield_gemini.endpoints import GENERATE

HI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
USER_TURN = Message("user", (Text("hi"),))


def read(tree: Any) -> ChatRequest:
    return GENERATE.parse_request(tree, {"model": "m"})


def written(model: str = "gemini-3-pro", **members: Any) -> Any:
    return msgspec.json.decode(
        GENERATE.render_request(ChatRequest(model, (USER_TURN,), **members)).body
    )


def lost(model: str, **members: Any) -> list[str]:
    rendered = GENERATE.render_request(ChatRequest(model, (USER_TURN,), **members))
    return [loss.feature for loss in rendered.losses]


def test_null_stays_allowed_where_a_schema_lists_what_is() -> None:
    listed = {"type": "STRING", "enum": ["a"], "nullable": True}
    either = {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}], "nullable": True}
    schema = {"type": "OBJECT", "properties": {"a": listed, "b": either}}
    declared = [{"name": "f", "parameters": schema}]
    (tool,) = read({**HI, "tools": [{"functionDeclarations": declared}]}).tools
    assert isinstance(tool, Tool)
    assert tool.parameters is not None
    assert tool.parameters["properties"] == {
        "a": {"type": ["string", "null"], "enum": ["a", None]},
        "b": {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
    }


def test_properties_come_in_their_stated_order() -> None:
    listed = {"a": {"type": "STRING"}, "b": {"type": "STRING"}, "c": {"type": "STRING"}}
    nested = {"type": "OBJECT", "properties": listed, "propertyOrdering": ["c", "a", "gone"]}
    request = read(HI | {"generationConfig": {"responseSchema": {"items": nested}}})
    assert request.response_format is not None
    assert request.response_format.schema is not None
    assert list(request.response_format.schema["items"]["properties"]) == ["c", "a", "b"]


def test_an_openapi_schema_becomes_json_schema() -> None:
    openapi = {
        "type": "OBJECT",
        "properties": {
            "a": {"type": "STRING", "nullable": True},
            "type": {"type": "ARRAY", "min_items": "1", "items": {"type": "INTEGER"}},
        },
        "propertyOrdering": ["a"],
        "property_ordering": ["a"],
    }
    request = read(
        HI | {"tools": [{"functionDeclarations": [{"name": "f", "parameters": openapi}]}]}
    )
    (tool,) = request.tools
    assert isinstance(tool, Tool)
    assert tool.parameters == {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"]},
            "type": {"type": "array", "minItems": 1, "items": {"type": "integer"}},
        },
    }


def test_the_grammar_of_a_free_text_is_described() -> None:
    form = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}
    body = written(tools=(Tool("g", kind="custom", input_format=form),))
    schema = body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    description = schema["properties"]["input"]["description"]
    assert description == "Text in this lark grammar:\nstart: WORD"


def test_a_strict_function_is_not_enforced_and_named() -> None:
    assert lost("gemini-3-pro", tools=(Tool("f", "d", strict=True),)) == ["tools.strict"]


def test_a_json_schema_is_sent_as_one() -> None:
    schema = {
        "$schema": "s",
        "type": "object",
        "properties": {"k": {"const": "a"}, "r": {"$ref": "#/$defs/R", "description": "d"}},
        "$defs": {"R": {"type": "string"}},
    }
    body = written(tools=(Tool("f", "d", schema),))
    declared = body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]
    assert declared == {
        "type": "object",
        "properties": {"k": {"enum": ["a"]}, "r": {"$ref": "#/$defs/R"}},
        "$defs": {"R": {"type": "string"}},
    }


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("required", ("f",)), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("auto", ("f",)), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ],
)
def test_a_choice_among_tools_has_a_mode(choice: ToolChoice, config: Any) -> None:
    body = written(tools=(Tool("f"),), tool_choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert read({**HI, "toolConfig": body["toolConfig"]}).tool_choice == choice


@pytest.mark.parametrize(
    ("model", "reasoning", "config"),
    [
        (
            "gemini-3-pro",
            ReasoningRequest("low"),
            {"thinkingLevel": "LOW", "includeThoughts": True},
        ),
        (
            "gemini-3-flash",
            ReasoningRequest("none"),
            {"thinkingLevel": "MINIMAL", "includeThoughts": True},
        ),
        ("gemini-2.5-flash", ReasoningRequest("none"), {"thinkingBudget": 0}),
        (
            "gemini-2.5-pro",
            ReasoningRequest("high"),
            {"thinkingBudget": 24576, "includeThoughts": True},
        ),
        (
            "gemini-2.5-flash",
            ReasoningRequest(budget_tokens=40000),
            {"thinkingBudget": 24576, "includeThoughts": True},
        ),
        ("gemini-flash-latest", ReasoningRequest(summary="auto"), {"includeThoughts": True}),
    ],
)
def test_effort_is_a_level_or_a_budget(
    model: str, reasoning: ReasoningRequest, config: Any
) -> None:
    body = written(model=model, reasoning=reasoning)
    assert body["generationConfig"] == {"thinkingConfig": config}


def test_no_thinking_is_requested_of_a_model_without_it() -> None:
    reasoning = ReasoningRequest("low")
    assert "generationConfig" not in written(model="gemini-2.0-flash", reasoning=reasoning)
    assert lost(model="gemini-2.0-flash", reasoning=reasoning) == ["reasoning.effort"]


def test_the_voice_of_a_chat_is_a_named_loss() -> None:
    voice = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    chat = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    done = GENERATE.render_request(installed("openai.chat").parse_request(chat | voice, {}))
    assert [(loss.feature, loss.breaks) for loss in done.losses] == [("openai.chat.audio", False)]
    assert msgspec.json.decode(done.body)["generationConfig"] == {
        "responseModalities": ["TEXT", "AUDIO"]
    }
