"""Official SDKs with tools whose names the vendor behind the gateway refuses."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import pytest
from anthropic import Anthropic, BadRequestError
from openai import OpenAI
from tests.clients.gateway import serving
from tests.clients.serving import serving_in_a_thread
from tests.clients.strict_vendor import RULES, StrictVendor

genai = pytest.importorskip("google.genai")
types = genai.types

TOML: Final = """
[server]
bind = "127.0.0.1:0"
admin = ""
front_doors = ["openai", "anthropic", "gemini"]
[upstream]
retries = 0
"""
PROVIDER: Final = """
[providers.{provider}]
use = "{use}"
base_url = "{url}/{dialect}{version}"
keys = ["env:UPSTREAM_KEY"]
region = "us-east-1"
dialects = ["{dialect}"]
"""
LONG: Final = (
    "mcp__plugin_engineering_tools_atlassian__find_confluence_pages_changed_recently_by_anybody"
)
MCP: Final = [LONG, "calendar.find", "files/read", "plain"]
SPACE: Final = "mcp__plugin_engineering_tools_atlassian"
SPACED: Final = ["find_confluence_pages_changed_recently_by_anybody", "find.page"]
GOOGLE: Final = ["calendar.find", "drive:search.files", "plain"]
SCHEMA: Final[dict[str, Any]] = {"type": "object", "properties": {"city": {"type": "string"}}}
ASK: Final[dict[str, Any]] = {"role": "user", "content": "Weather in Rome?"}
ROME: Final = {"city": "Rome"}
streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def each_vendor(*own: str) -> pytest.MarkDecorator:
    """Run a test for each vendor whose dialect is not the client's own."""
    return pytest.mark.parametrize("vendor", [one for one in RULES if one not in own])


@pytest.fixture(scope="module")
def upstream() -> StrictVendor:
    return StrictVendor()


@pytest.fixture(scope="module")
def gateway(upstream: StrictVendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving_in_a_thread(upstream.answer) as url:
        tables = [table(url, dialect) for dialect in RULES]
        with serving(tmp_path_factory.mktemp("gateway"), "".join([TOML, *tables])) as address:
            yield address


@pytest.fixture
def received(upstream: StrictVendor) -> list[list[str]]:
    upstream.received.clear()
    return upstream.received


def table(url: str, dialect: str) -> str:
    use, provider = dialect.partition(".")[0], dialect.replace(".", "_")
    version = "/v1" if use == "openai" else ""
    return PROVIDER.format(provider=provider, use=use, url=url, dialect=dialect, version=version)


def model_of(vendor: str) -> str:
    return f"{vendor.replace('.', '_')}/m"


def said(name: str) -> str:
    return f"{name} says sunny."


def check_sent(received: list[list[str]], vendor: str, names: list[str]) -> None:
    """What the vendor accepts was sent unchanged; the others became the same in both turns."""
    first, second = map(set, received)
    accepted = {name for name in names if re.search(RULES[vendor], name)}
    assert first == second
    assert len(first) == len(names)
    assert first & {*names} == accepted


def anthropic(gateway: str) -> Anthropic:
    return Anthropic(base_url=f"{gateway}/anthropic", api_key="any", max_retries=0)


def message(client: Anthropic, vendor: str, stream: bool, *turns: Any) -> Any:
    tools: Any = [{"name": name, "input_schema": SCHEMA} for name in MCP]
    asked: Any = {"max_tokens": 99, "tools": tools, "messages": [ASK, *turns]}
    if not stream:
        return client.messages.create(model=model_of(vendor), **asked)
    with client.messages.stream(model=model_of(vendor), **asked) as events:
        return events.get_final_message()


@streamed
@each_vendor("anthropic.messages")
def test_a_client_of_anthropic_reads_its_own_names(
    gateway: str, received: list[list[str]], vendor: str, stream: bool
) -> None:
    with anthropic(gateway) as client:
        asked = message(client, vendor, stream)
        assert [(call.name, call.input) for call in asked.content] == [(n, ROME) for n in MCP]
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": said(call.name)}
            for call in asked.content
        ]
        said_by = {"role": "assistant", "content": asked.content}
        last = message(client, vendor, stream, said_by, {"role": "user", "content": results})
    assert last.content[0].text == " ".join(map(said, MCP))
    check_sent(received, vendor, MCP)


def completion(client: OpenAI, vendor: str, stream: bool, *turns: Any) -> Any:
    functions = [{"name": name, "parameters": SCHEMA} for name in MCP]
    tools: Any = [{"type": "function", "function": function} for function in functions]
    asked: Any = {"model": model_of(vendor), "tools": tools, "messages": [ASK, *turns]}
    if not stream:
        return client.chat.completions.create(**asked).choices[0].message
    with client.chat.completions.stream(**asked) as events:
        return events.get_final_completion().choices[0].message


@streamed
@each_vendor("openai.chat")
def test_a_client_of_openai_reads_its_own_names(
    gateway: str, received: list[list[str]], vendor: str, stream: bool
) -> None:
    with OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as client:
        asked = completion(client, vendor, stream)
        calls = [(call.id, call.function) for call in asked.tool_calls]
        found = [(function.name, json.loads(function.arguments)) for _, function in calls]
        assert found == [(name, ROME) for name in MCP]
        results = [
            {"role": "tool", "tool_call_id": identity, "content": said(function.name)}
            for identity, function in calls
        ]
        turn = asked.model_dump(include={"role", "content", "tool_calls"})
        last = completion(client, vendor, stream, turn, *results)
    assert last.content == " ".join(map(said, MCP))
    check_sent(received, vendor, MCP)


def output(client: OpenAI, vendor: str, stream: bool, *items: Any) -> list[Any]:
    functions = [{"type": "function", "name": name, "parameters": SCHEMA} for name in SPACED]
    space = {"type": "namespace", "name": SPACE, "description": "Pages.", "tools": functions}
    plain = {"type": "function", "name": "calendar.find", "parameters": SCHEMA}
    asked: Any = {"model": model_of(vendor), "tools": [space, plain], "input": [ASK, *items]}
    if not stream:
        return list(client.responses.create(**asked).output)
    with client.responses.stream(**asked) as events:
        return list(events.get_final_response().output)


@streamed
@each_vendor("openai.responses")
def test_a_client_of_responses_reads_its_own_names_and_namespaces(
    gateway: str, received: list[list[str]], vendor: str, stream: bool
) -> None:
    named = [*((name, SPACE) for name in SPACED), ("calendar.find", None)]
    with OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0) as client:
        calls = output(client, vendor, stream)
        assert [(call.name, call.namespace) for call in calls] == named
        results = [
            {"type": "function_call_output", "call_id": call.call_id, "output": said(call.name)}
            for call in calls
        ]
        turn = [call.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for call in calls]
        (last,) = output(client, vendor, stream, *turn, *results)
    assert last.content[0].text == " ".join(said(name) for name, _ in named)
    check_sent(received, vendor, [f"{SPACE}__{name}" for name in SPACED] + ["calendar.find"])


def parts(chat: Any, stream: bool, said: Any) -> list[Any]:
    if not stream:
        return list(chat.send_message(said).parts)
    return [part for chunk in chat.send_message_stream(said) for part in chunk.parts or ()]


@streamed
@each_vendor("gemini.generate_content")
def test_a_client_of_google_reads_its_own_names(
    gateway: str, received: list[list[str]], vendor: str, stream: bool
) -> None:
    functions = [{"name": name, "parameters_json_schema": SCHEMA} for name in GOOGLE]
    options = types.HttpOptions(base_url=f"{gateway}/gemini")
    with genai.Client(api_key="any", http_options=options) as client:
        config = {"tools": [{"function_declarations": functions}]}
        chat = client.chats.create(model=model_of(vendor), config=config)
        asked = [part.function_call for part in parts(chat, stream, ASK["content"])]
        calls = [call for call in asked if call]
        assert [(call.name, call.args) for call in calls] == [(name, ROME) for name in GOOGLE]
        results = [
            types.FunctionResponse(id=call.id, name=call.name, response={"output": said(call.name)})
            for call in calls
        ]
        last = parts(chat, stream, [types.Part(function_response=result) for result in results])
    assert "".join(part.text or "" for part in last) == " ".join(map(said, GOOGLE))
    check_sent(received, vendor, GOOGLE)


@each_vendor("anthropic.messages")
def test_the_tool_that_must_be_called_goes_by_the_name_that_was_sent(
    gateway: str, received: list[list[str]], vendor: str
) -> None:
    with anthropic(gateway) as client:
        answer = client.messages.create(
            model=model_of(vendor),
            max_tokens=99,
            messages=[{"role": "user", "content": "Weather in Rome?"}],
            tools=[{"name": LONG, "input_schema": SCHEMA}],
            tool_choice={"type": "tool", "name": LONG},
        )
    assert [block.name for block in answer.content if block.type == "tool_use"] == [LONG]
    assert len({*received[0]}) == 1


def test_a_name_in_the_vendors_own_dialect_is_left_for_the_vendor_to_judge(gateway: str) -> None:
    with anthropic(gateway) as client, pytest.raises(BadRequestError, match=r"calendar\.find"):
        message(client, "anthropic.messages", False)
