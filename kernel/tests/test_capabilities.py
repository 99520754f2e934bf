import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

import jackfield
from jackfield._shortfalls import shortfalls
from jackfield.capabilities import Capabilities, ModelFacts, shipped
from jackfield.messages import (
    Audio,
    ChatRequest,
    Document,
    Image,
    Message,
    Part,
    ReasoningRequest,
    ResponseFormat,
    Text,
    Tool,
    ToolResult,
)
from jackfield.testing import GatewayClient, run_gateway

DATA = Path(jackfield.__file__).with_name("data") / "models.json"
NOTHING = Capabilities(
    input=("text",),
    output=("text",),
    tools=False,
    parallel_tools=False,
    json_schema=False,
    reasoning="none",
)


def asking(*parts: Part, **settings: Any) -> ChatRequest:
    return msgspec.structs.replace(ChatRequest("m", (Message("user", parts),)), **settings)


def features(request: ChatRequest, able: Capabilities = NOTHING) -> list[str]:
    return [loss.feature for loss in shortfalls(request, able)]


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o*", "gpt-4o-mini", True),
        ("*claude-*-4", "us.claude-opus-4", True),
        ("*claude-*-4", "us.claude-opus-4-5", False),
        ("*aa", "a", False),
        ("a*a", "a", False),
        ("*", "", True),
    ],
)
def test_an_asterisk_stands_for_any_text(pattern: str, name: str, *, fits: bool) -> None:
    stated = ModelFacts({pattern: Capabilities(max_output_tokens=7)}).of(name)
    assert (stated.max_output_tokens == 7) is fits


@pytest.mark.parametrize(
    ("provider", "model", "most"),
    [
        ("anthropic", "claude-haiku-4-5-20251001", 64_000),
        ("anthropic", "claude-3-haiku-20240307", 4096),
        ("bedrock", "us.anthropic.claude-3-5-haiku-20241022-v1:0", 8192),
        ("bedrock", "eu.anthropic.claude-opus-4-1-20250805-v1:0", 32_000),
        ("vertex", "claude-sonnet-4-5@20250929", 64_000),
        ("openrouter", "anthropic/claude-sonnet-4.5", 64_000),
        ("anthropic", "claude-opus-4-8", 128_000),
        ("openai", "gpt-4o-2024-05-13", 4096),
        ("openai", "gpt-4o-2024-11-20", 16_384),
        ("gemini", "gemini-2.5-flash-lite", 65_536),
        ("groq", "openai/gpt-oss-120b", 65_536),
        ("cerebras", "gpt-oss-120b", None),
        ("openai", "a-model-of-my-own", None),
    ],
)
def test_the_longest_answer_is_found_by_any_of_a_model_s_names(
    provider: str, model: str, most: int | None
) -> None:
    assert ModelFacts().of(model, provider).max_output_tokens == most


def test_what_is_not_stated_is_not_known() -> None:
    able = ModelFacts().of("a-model-of-my-own")
    assert able == Capabilities()
    assert able.takes("image") is None
    assert shortfalls(asking(Image(url="https://example.com/a.png")), able) == ()


def test_the_configuration_comes_before_what_is_shipped_fact_by_fact() -> None:
    facts = ModelFacts({"GPT-4o*": Capabilities(tools=False)})
    assert facts.of("gpt-4o").tools is False
    assert facts.of("gpt-4o").context_tokens == 128_000


def test_a_pattern_with_a_provider_holds_there_alone() -> None:
    facts = ModelFacts({"local/llama*": Capabilities(max_output_tokens=7)})
    assert facts.of("llama-x", "local", "openai").max_output_tokens == 7
    assert facts.of("llama-x", "other").max_output_tokens is None


def test_every_shipped_fact_is_one_that_is_read() -> None:
    names = {field.name for field in attrs.fields(Capabilities)} | {"match"}
    entries = json.loads(DATA.read_bytes())["models"]
    assert len(entries) == len(shipped())
    for entry in entries:
        assert entry.keys() <= names
        assert entry["match"]
        assert all(pattern == pattern.lower() for pattern in entry["match"])
        date.fromisoformat(entry.get("retires", "2026-01-01"))


def test_an_answer_is_never_longer_than_what_a_model_can_hold() -> None:
    for patterns, able in shipped():
        if able.context_tokens and able.max_output_tokens:
            assert able.max_output_tokens <= able.context_tokens, patterns


def test_each_feature_that_a_model_cannot_take_is_named_once() -> None:
    image = Image(url="https://example.com/a.png")
    parts = (Text("Hi"), image, image, Audio("UklG", "wav"), Document(data="JVBE"))
    assert features(asking(*parts)) == ["images", "audio", "documents"]
    assert features(asking(ToolResult("call", (image,)))) == ["images"]
    assert features(asking(Document(text="plain"))) == []


def test_each_setting_that_a_model_cannot_heed_is_named() -> None:
    request = asking(
        Text("Hi"),
        tools=(Tool("clock"),),
        parallel_tool_calls=True,
        response_format=ResponseFormat("json_schema", schema={}),
        reasoning=ReasoningRequest(effort="low"),
        modalities=("text", "audio"),
    )
    assert features(request) == [
        "tools",
        "parallel_tool_calls",
        "response_format.json_schema",
        "reasoning",
        "audio",
    ]
    assert features(asking(reasoning=ReasoningRequest(effort="none"))) == []


TOML = """
[providers.up]
use = "openai"
base_url = "http://127.0.0.1:9/v1"

[models.seeing]
targets = ["up/blind"]
fallbacks = ["up/keen"]
on_loss = "{on_loss}"

[capabilities."blind"]
input = ["text"]
"""
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}


async def explained(gateway: GatewayClient) -> list[str]:
    body = {"model": "seeing", "messages": [{"role": "user", "content": [IMAGE]}]}
    answer = await gateway.post("/jackfield/explain", json=body)
    plan = (await answer.json())["plan"]
    return [f"{one['target']}: {', '.join(one['losses'])}" for one in plan["targets"]]


async def test_a_request_goes_to_the_model_that_can_take_it() -> None:
    async with run_gateway(TOML.format(on_loss="route")) as gateway:
        assert await explained(gateway) == ["up/keen: "]


async def test_what_a_model_cannot_take_is_explained() -> None:
    async with run_gateway(TOML.format(on_loss="warn")) as gateway:
        assert await explained(gateway) == [
            "up/blind: images dropped: blind is not known to take it",
            "up/keen: ",
        ]


def recorded() -> Iterator[tuple[Exchange, Capabilities]]:
    facts = ModelFacts()
    for exchange in exchanges():
        if exchange.status == 200 and exchange.model:
            yield exchange, facts.of(exchange.model, exchange.provider)


PROOFS: dict[str, Callable[[Capabilities], bool | None]] = {
    "tools": lambda able: able.tools,
    "tool_call_out": lambda able: able.tools,
    "vision": lambda able: able.takes("image"),
    "audio_in": lambda able: able.takes("audio"),
    "document": lambda able: able.takes("document"),
    "json_schema": lambda able: able.json_schema,
    "reasoning_out": lambda able: able.reasoning != "none",
    "audio_out": lambda able: able.gives("audio"),
}


@needs_corpus
def test_no_recorded_exchange_says_otherwise() -> None:
    wrong = [
        f"{exchange.model} at {exchange.provider}: {feature} ({exchange.id})"
        for exchange, able in recorded()
        for feature, proves in PROOFS.items()
        if feature in exchange.features and proves(able) is False
    ]
    assert not wrong


@needs_corpus
def test_no_recorded_answer_is_longer_than_its_model_s_longest() -> None:
    for exchange, able in recorded():
        usage = exchange.expect.get("usage") or {}
        written = usage.get("output_tokens") or 0
        assert able.max_output_tokens is None or written <= able.max_output_tokens, exchange.id
