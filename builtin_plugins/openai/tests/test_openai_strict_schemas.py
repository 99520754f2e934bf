"""Schemas of clients whose own vendors always enforce them."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from jackfield.dialects import Dialect
from jackfield.messages import ChatRequest, Message, ResponseFormat, Text, Tool
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_openai.endpoints import CHAT, RESPONSES
from jackfield_openai.strict_schemas import is_enforceable

BOTH = pytest.mark.parametrize("dialect", [CHAT, RESPONSES])
CITY = {"type": "string", "description": "Its name", "pattern": "^[A-Z]"}
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "{}"}, "finish_reason": "stop"}
    ],
}


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def chat_of(schema: Mapping[str, Any], vendor: str, strict: bool | None = None) -> ChatRequest:
    form = ResponseFormat("json_schema", schema=schema, strict=strict)
    question = (Message("user", (Text("Where?"),)),)
    return ChatRequest("m", question, response_format=form, extensions={vendor: {}})


def sent(dialect: Dialect, request: ChatRequest) -> tuple[Any, list[str]]:
    done = dialect.render_request(request)
    body = msgspec.json.decode(done.body)
    form = (
        body["text"]["format"] if dialect is RESPONSES else body["response_format"]["json_schema"]
    )
    return form, [str(loss.feature) for loss in done.losses]


@BOTH
@pytest.mark.parametrize("vendor", ["anthropic.messages", "cohere.chat", "bedrock.converse"])
def test_a_schema_that_fits_is_enforced_as_at_home(dialect: Dialect, vendor: str) -> None:
    form, lost = sent(dialect, chat_of(closed(city=CITY), vendor))
    assert (form["strict"], lost) == (True, [])
    assert form["schema"] == closed(city=CITY)


@BOTH
def test_a_schema_that_does_not_fit_is_a_named_loss(dialect: Dialect) -> None:
    schema = {"type": "object", "properties": {"city": CITY}}
    form, lost = sent(dialect, chat_of(schema, "anthropic.messages"))
    assert ("strict" in form, form["schema"]) == (False, schema)
    assert lost == ["response_format.strict"]


@BOTH
@pytest.mark.parametrize("strict", [None, False])
def test_clients_that_can_set_strict_get_what_they_set(
    dialect: Dialect, strict: bool | None
) -> None:
    for vendor in ("openai.chat", "openai.responses", "mistral.chat"):
        form, lost = sent(dialect, chat_of(closed(city=CITY), vendor, strict))
        assert (form.get("strict"), lost) == (strict, [])


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(a={"type": ["string", "null"]}, b={"type": "array", "items": {"type": "number"}}),
        closed(a={"anyOf": [{"type": "integer", "minimum": 0}, closed(b={"type": "boolean"})]}),
        closed(a={"$ref": "#/$defs/A"}) | {"$defs": {"A": closed(next={"$ref": "#"})}},
        closed(day={"type": "string", "format": "date"}, kind={"type": "string", "enum": ["a"]}),
    ],
)
def test_what_the_documentation_lists_can_be_enforced(schema: Mapping[str, Any]) -> None:
    assert is_enforceable(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "anyOf": [closed()]},
        closed(a=CITY) | {"required": []},
        closed(a=CITY) | {"additionalProperties": True},
        closed(a={"type": "object"}),
        closed(a={"type": "string", "minLength": 1}),
        closed(a={"type": "string", "default": "x"}),
        closed(a={"type": "string", "format": "uri"}),
        closed(a={"type": "array"}),
        closed(a={"$ref": "#/$defs/A", "description": "An A"}),
        closed(a={"oneOf": [{"type": "string"}]}),
        closed(a={"type": ["string", 5]}, b={"enum": "x", "type": "string"}),
        closed(a={}),
        closed(a=True),
        closed(**{f"p{at}": {"type": "string"} for at in range(5_001)}),
        closed(a={"type": "string", "enum": [str(at) for at in range(1_001)]}),
        closed(a={"type": "string", "enum": ["x" * 99 + str(at) for at in range(300)]}),
    ],
)
def test_what_it_excludes_cannot(schema: Mapping[str, Any]) -> None:
    assert not is_enforceable(schema)


def test_a_schema_with_too_many_levels_cannot() -> None:
    schema = closed()
    for _ in range(10):
        schema = closed(a=schema)
    assert not is_enforceable(schema)


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        body = json.dumps(ANSWER).encode()
        server.reply(body, headers={"Content-Type": "application/json"})
        yield server


@pytest.mark.parametrize(
    ("preset", "model", "strict", "lost"),
    [
        ("openai", "gpt-5-mini", True, None),
        ("groq", "openai/gpt-oss-20b", True, None),
        ("groq", "llama-4", None, "response_format.strict"),
    ],
)
async def test_an_anthropic_clients_schema_is_strict_where_the_model_can(
    upstream: FakeUpstream, preset: str, model: str, strict: bool | None, lost: str | None
) -> None:
    tables = '[server]\nfront_doors = ["openai", "anthropic"]\n[providers.up]\nuse = "openai"\n'
    tables += f'preset = "{preset}"\nbase_url = "{upstream.base_url}"\ndialects = ["openai.chat"]'
    body = {
        "model": f"up/{model}",
        "max_tokens": 99,
        "messages": [{"role": "user", "content": "Where?"}],
        "output_config": {"format": {"type": "json_schema", "schema": closed(city=CITY)}},
    }
    async with run_gateway(tables) as gateway:
        answer = await gateway.post("/anthropic/v1/messages", json=body)
    form = json.loads(upstream.requests[0].body)["response_format"]["json_schema"]
    assert (answer.status, form.get("strict")) == (200, strict)
    assert answer.headers.get("x-jackfield-loss") == lost


@BOTH
@pytest.mark.parametrize(
    ("vendor", "optional", "strict", "lost"),
    [
        ("anthropic.messages", False, True, []),
        ("anthropic.messages", True, False, ["tools.strict"]),
        ("cohere.chat", True, False, ["tools.strict"]),
        ("openai.chat", True, True, []),
    ],
)
def test_a_strict_tool_with_optional_parameters_is_strict_at_home_alone(
    dialect: Dialect, vendor: str, optional: bool, strict: bool, lost: list[str]
) -> None:
    schema = closed(city=CITY) | ({"required": []} if optional else {})
    request = chat_of(closed(city=CITY), vendor, strict=True)
    done = dialect.render_request(replace(request, tools=(Tool("f", None, schema, strict=True),)))
    (tool,) = msgspec.json.decode(done.body)["tools"]
    assert bool((tool if dialect is RESPONSES else tool["function"]).get("strict")) is strict
    assert [loss.feature for loss in done.losses] == lost
