"""What bounds an answer of Converse and how much its model thinks, each by a small case."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from jackfield.dialects import installed
from jackfield.messages import ChatRequest
from jackfield_bedrock.endpoints import CONVERSE

CHAT = installed("openai.chat")
THINKER, NEWEST = "us.anthropic.claude-opus-5", "us.anthropic.claude-opus-5-5"
CLAUDE, OLDER = "us.anthropic.claude-opus-4-8", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HI: list[Any] = [{"role": "user", "content": "hi"}]


def convert(model: str = "m", **members: Any) -> tuple[Any, list[str]]:
    """What an OpenAI client's request becomes, and what it loses."""
    tree = {"model": model, "messages": HI, **members}
    rendered = CONVERSE.render_request(CHAT.parse_request(tree, {}))
    return json.loads(rendered.body), [loss.feature for loss in rendered.losses]


def thinking(budget: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


@pytest.mark.parametrize(
    ("model", "members", "wanted", "losses"),
    [
        (
            OLDER,
            {"reasoning_effort": "low"},
            thinking(2048),
            ["reasoning.effort"],
        ),
        (
            OLDER,
            {"reasoning_effort": "high", "max_completion_tokens": 3000},
            thinking(2999),
            ["reasoning.effort"],
        ),
        (OLDER, {"reasoning_effort": "low", "max_completion_tokens": 900}, None, ["reasoning"]),
        (OLDER, {"reasoning_effort": "low", "tool_choice": "required"}, None, ["reasoning"]),
        (
            OLDER,
            {"reasoning": {"max_tokens": 5000}},
            thinking(5000),
            [],
        ),
        (CLAUDE, {"reasoning_effort": "low"}, {"thinking": {"type": "adaptive"}}, []),
        (CLAUDE, {"reasoning_effort": "none"}, None, []),
        (THINKER, {"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}, []),
        (
            "anthropic.claude-sonnet-5-5",
            {"reasoning_effort": "none"},
            {"thinking": {"type": "between_tools"}},
            [],
        ),
        (NEWEST, {"reasoning_effort": "none"}, None, ["reasoning.effort"]),
        (NEWEST, {"tool_choice": "required"}, None, ["tool_choice"]),
        (
            THINKER,
            {"reasoning_effort": "low", "tool_choice": "required"},
            {"thinking": {"type": "adaptive"}},
            [],
        ),
        (
            "us.anthropic.claude-opus-4-6-v1",
            {"reasoning_effort": "xhigh"},
            {"thinking": {"type": "adaptive"}},
            ["reasoning.effort"],
        ),
        (CLAUDE, {"reasoning": {"max_tokens": 0}}, None, []),
        (OLDER, {"reasoning": {"max_tokens": 0}}, None, []),
        ("us.amazon.nova-2-lite-v1:0", {"reasoning": {"max_tokens": 0}}, None, []),
        ("meta.llama3-1", {"reasoning": {"max_tokens": 0}}, None, []),
        (
            "openai.gpt-oss-120b-1:0",
            {"reasoning_effort": "xhigh"},
            {"reasoning_effort": "high"},
            ["reasoning.effort"],
        ),
        ("qwen.qwen3-32b-v1:0", {"reasoning_effort": "high"}, {"reasoning_config": "high"}, []),
        (
            "us.amazon.nova-2-lite-v1:0",
            {"reasoning_effort": "low"},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
            [],
        ),
        (
            "us.amazon.nova-2-lite-v1:0",
            {"reasoning_effort": "high", "temperature": 0.5},
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}},
            ["reasoning.effort"],
        ),
        ("meta.llama3-1", {"reasoning_effort": "low"}, None, ["reasoning"]),
        ("amazon.nova-lite-v1:0", {"top_k": 5}, {"inferenceConfig": {"topK": 5}}, []),
        (OLDER, {"top_k": 5}, {"top_k": 5}, []),
        ("meta.llama3-1", {"top_k": 5}, None, ["top_k"]),
        (CLAUDE, {"temperature": 0.5}, None, ["temperature"]),
        (OLDER, {"temperature": 0.5, "top_p": 0.9}, None, ["top_p"]),
        (
            OLDER,
            {"temperature": 0.5, "reasoning": {"max_tokens": 5000}},
            thinking(5000),
            ["temperature"],
        ),
    ],
    ids=str,
)
def test_reasoning_and_sampling_take_the_form_of_each_family_of_models(
    model: str, members: Any, wanted: Any, losses: list[str]
) -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    body, lost = convert(model, **members, **({"tools": tools} if "tool_choice" in members else {}))
    assert body.get("additionalModelRequestFields") == wanted
    assert lost == losses


def test_claude_has_no_budget_to_think_when_its_earlier_thoughts_are_missing() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "ok"},
    ]
    assert convert(OLDER, messages=turns, reasoning_effort="low")[1] == ["reasoning"]
    assert convert(CLAUDE, messages=turns, reasoning_effort="low")[1] == []


def test_a_temperature_over_one_is_one() -> None:
    body, losses = convert(temperature=1.7)
    assert (body["inferenceConfig"], losses) == ({"temperature": 1}, ["temperature"])


def test_an_effort_of_a_model_that_decides_itself_stands_in_the_output_config() -> None:
    body, _ = convert(CLAUDE, reasoning_effort="max")
    assert body["outputConfig"] == {"effort": "max"}


@pytest.mark.parametrize(
    ("members", "effort", "budget"),
    [
        ({"additionalModelRequestFields": {"thinking": {"type": "adaptive"}}}, "high", None),
        ({"additionalModelRequestFields": {"thinking": {"type": "disabled"}}}, "none", None),
        ({"outputConfig": {"effort": "low"}}, "low", None),
        (
            {
                "additionalModelRequestFields": {
                    "thinking": {"type": "enabled", "budget_tokens": 2000},
                    "other": 1,
                }
            },
            None,
            2000,
        ),
        ({"additionalModelRequestFields": {"reasoningConfig": {"type": "disabled"}}}, "none", None),
    ],
)
def test_every_form_of_a_reasoning_request_is_read(
    members: Any, effort: str | None, budget: int | None
) -> None:
    tree = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], **members}
    request = CONVERSE.parse_request(tree, {"model": CLAUDE})
    assert isinstance(request, ChatRequest)
    assert request.reasoning is not None
    assert (request.reasoning.effort, request.reasoning.budget_tokens) == (effort, budget)
    assert json.loads(CONVERSE.render_request(request).body) == tree
    changed = replace(request, reasoning=None)
    assert "thinking" not in json.loads(CONVERSE.render_request(changed).body).get(
        "additionalModelRequestFields", {}
    )


def test_a_schema_is_sent_as_text_and_read_from_it() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
    body, losses = convert(response_format=form)
    wanted = body["outputConfig"]["textFormat"]
    assert (wanted["type"], losses) == ("json_schema", [])
    assert json.loads(wanted["structure"]["jsonSchema"]["schema"]) == schema
    request = CONVERSE.parse_request(body, {"model": "m"})
    assert json.loads(CHAT.render_request(request).body)["response_format"] == form
    assert convert(response_format={"type": "json_object"})[1] == ["response_format.json_object"]


OPEN = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "minimum": 1, "description": "A"},
        "b": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/c"}},
    },
    "$defs": {"c": {"anyOf": [{"type": "object", "additionalProperties": True}]}},
}
CLOSED = {
    "type": "object",
    "properties": {
        "a": {"type": "integer", "description": 'A\n\n{"minimum":1}'},
        "b": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/c"}},
    },
    "$defs": {"c": {"anyOf": [{"type": "object", "additionalProperties": False}]}},
    "additionalProperties": False,
}


def test_a_schema_is_closed_and_its_limits_are_described() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "city", "schema": OPEN}}
    body, losses = convert(response_format=form)
    wanted = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"]
    assert (json.loads(wanted), losses) == (CLOSED, ["response_format.json_schema"])
    spec = {"name": "f", "parameters": OPEN, "strict": True}
    body, losses = convert(tools=[{"type": "function", "function": spec}])
    (tool,) = body["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"]["json"] == CLOSED
    assert losses == ["tools.strict"]


UNSUPPORTED: dict[str, tuple[Any, str]] = {
    "seed": (1, "seed"),
    "presence_penalty": (0.5, "penalties"),
    "logprobs": (True, "logprobs"),
    "n": (2, "n"),
    "user": ("u", "user"),
    "logit_bias": ({"1": 2}, "logit_bias"),
    "parallel_tool_calls": (False, "parallel_tool_calls"),
    "verbosity": ("low", "openai.chat.verbosity"),
    "service_tier": ("scale", "service_tier"),
}


@pytest.mark.parametrize("member", UNSUPPORTED)
def test_what_converse_has_no_words_for_is_named(member: str) -> None:
    value, feature = UNSUPPORTED[member]
    assert convert(**{member: value})[1] == [feature]


def test_tiers_and_metadata_are_carried_and_hints_go_without_a_word() -> None:
    body, losses = convert(service_tier="flex", metadata={"a": "b"}, prompt_cache_key="k")
    assert body["serviceTier"] == {"type": "flex"}
    assert (body["requestMetadata"], losses) == ({"a": "b"}, [])


def test_metadata_that_bedrock_refuses_is_left_out_by_name() -> None:
    refused = {"long": "x" * 257, "name": "Zoë", "": "a", "n": 1}
    body, losses = convert(metadata={"team": "a/b@c.example", **refused})
    assert (body["requestMetadata"], losses) == ({"team": "a/b@c.example"}, ["metadata"])
    many = convert(metadata={f"k{i}": "v" for i in range(17)})
    assert (len(many[0]["requestMetadata"]), many[1]) == (16, ["metadata"])
