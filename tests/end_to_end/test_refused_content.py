"""What a target cannot express is refused before anything is sent, in the client's own words."""

from typing import Any

import pytest

from jackfield.testing import FakeUpstream, run_gateway

DOORS = {
    "openai.chat": "/v1/chat/completions",
    "openai.responses": "/v1/responses",
    "azure.chat": "/azure/openai/deployments/{model}/chat/completions",
    "anthropic.messages": "/anthropic/v1/messages",
    "anthropic.messages@vertex": "/vertex/v1/publishers/anthropic/models/{model}:rawPredict",
    "gemini.generate_content": "/gemini/v1beta/models/{model}:generateContent",
    "bedrock.converse": "/bedrock/model/{model}/converse",
    "cohere.chat": "/cohere/v2/chat",
    "mistral.chat": "/mistral/v1/chat/completions",
    "ollama.chat": "/ollama/api/chat",
}
TOML = """
[server]
front_doors = [
  "openai", "azure", "anthropic", "vertex", "gemini", "bedrock", "cohere", "mistral", "ollama",
]
[upstream]
retries = 0
[providers.chat]
use = "openai"
base_url = "{url}/v1"
dialects = ["openai.chat"]
[providers.responses]
use = "openai"
base_url = "{url}/v1"
dialects = ["openai.responses"]
[providers.anthropic]
base_url = "{url}"
[providers.gemini]
base_url = "{url}"
[providers.cohere]
base_url = "{url}"
[providers.mistral]
base_url = "{url}"
[providers.ollama]
base_url = "{url}"
dialects = ["ollama.chat"]
"""
PROVIDERS = {
    "chat": "openai.chat",
    "responses": "openai.responses",
    "anthropic": "anthropic.messages",
    "gemini": "gemini.generate_content",
    "cohere": "cohere.chat",
    "mistral": "mistral.chat",
    "ollama": "ollama.chat",
}
HI = {"role": "user", "content": "Hi"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
FORMAT = {"type": "regex", "pattern": "a"}


def message(content: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [HI, {"role": role, "content": content}]}


def parts(*content: Any) -> dict[str, Any]:
    hi = {"role": "user", "parts": [{"text": "Hi"}]}
    return {"contents": [hi, {"role": "user", "parts": list(content)}]}


def blocks(*content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"text": "Hi"}, *content]}]}


def results(*content: Any) -> dict[str, Any]:
    use = {"toolUseId": "c", "name": "f", "input": {}}
    result = {"toolUseId": "c", "content": list(content)}
    called = {"role": "assistant", "content": [{"toolUse": use}]}
    return {"messages": [called, {"role": "user", "content": [{"toolResult": result}]}]}


ODD = {"type": "odd", "x": 1}
# By dialect: what is wrong, where it stands, and a word that the error must say besides.
REFUSED: dict[str, list[tuple[dict[str, Any], str, str]]] = {
    "openai.chat": [
        (message([ODD]), "messages[1].content[0]", "odd"),
        (message([ODD], "system"), "messages[1].content[0]", "odd"),
        ({"messages": []}, "messages", ""),
        ({"messages": "no"}, "messages", ""),
        (message([]), "messages[1].content", ""),
        (message([HI]), "messages[1].content[0].type", ""),
        (message("x", "boss"), "messages[1].role", "assistant"),
        (
            {"messages": [CALLED, {"role": "tool", "tool_call_id": "c", "content": [ODD]}]},
            "messages[1].content[0]",
            "odd",
        ),
        ({"messages": [HI], "tools": [{}]}, "tools[0].type", ""),
        ({"messages": [HI], "tools": "no"}, "tools", ""),
        ({"messages": [HI], "tool_choice": ODD}, "tool_choice", ""),
        ({"messages": [HI], "tool_choice": "odd"}, "tool_choice", ""),
        ({"messages": [HI], "response_format": FORMAT}, "response_format", ""),
        ({"messages": [HI], "modalities": [1]}, "modalities", ""),
        ({"messages": [HI], "stream_options": 1}, "stream_options", ""),
        ({"messages": [HI], "reasoning_effort": 1}, "reasoning_effort", ""),
    ],
    "openai.responses": [
        ({"input": [ODD]}, "input[0]", "odd"),
        ({"input": [{"type": "item_reference", "id": "x"}]}, "input[0]", "item_reference"),
        ({"input": [{"x": 1}]}, "input[0].type", ""),
        ({"input": [{"role": "user", "content": [ODD]}]}, "input[0].content[0]", "odd"),
        ({"input": [{"role": "user", "content": [{}]}]}, "input[0].content[0].type", ""),
        ({"input": [{"type": "compaction", "encrypted_content": "x"}]}, "input[0]", "compaction"),
        ({"input": []}, "input", ""),
        ({}, "input", ""),
        ({"input": "Hi", "tool_choice": {"type": "odd"}}, "tool_choice", ""),
        ({"input": "Hi", "tool_choice": {}}, "tool_choice.type", ""),
        ({"input": "Hi", "text": {"format": FORMAT}}, "text.format.type", ""),
    ],
    "anthropic.messages": [
        (message([ODD]), "messages[1].content[0]", "odd"),
        (message([{}]), "messages[1].content[0].type", ""),
        (message([]), "messages[1].content", ""),
        ({"messages": []}, "messages", ""),
        ({"messages": [HI], "system": [ODD]}, "system[0]", "odd"),
        (
            message([{"type": "tool_result", "tool_use_id": "c", "content": [ODD]}]),
            "messages[1].content[0].content[0]",
            "odd",
        ),
        (message([{"type": "image", "source": ODD}]), "messages[1].content[0]", "image"),
        (
            message([{"type": "compaction", "content": "x"}], "assistant"),
            "messages[1]",
            "compaction",
        ),
        ({"messages": [HI], "tools": [{"name": "f"}]}, "tools[0].input_schema", ""),
        ({"messages": [HI], "tool_choice": ODD}, "tool_choice", ""),
        ({"messages": [HI], "tool_choice": "auto"}, "tool_choice", "object"),
        ({"messages": [HI], "thinking": 1}, "thinking", "object"),
        ({"messages": [HI], "output_config": {"format": FORMAT}}, "output_config", ""),
    ],
    "gemini.generate_content": [
        (parts({"weird": 1}), "contents[1].parts[0]", "weird"),
        (parts({"executableCode": {"code": "1"}}), "contents[1].parts[0]", "executableCode"),
        (parts(), "contents[1].parts", ""),
        ({"contents": []}, "contents", ""),
        ({}, "contents", ""),
        ({**parts({"text": "x"}), "systemInstruction": {"odd": 1}}, "systemInstruction.parts", ""),
        (parts({"functionResponse": {}}), "contents[1].parts[0].functionResponse.name", ""),
        (
            {
                **parts({"text": "x"}),
                "toolConfig": {"functionCallingConfig": {"mode": "ODD"}},
            },
            "toolConfig.functionCallingConfig.mode",
            "AUTO",
        ),
    ],
    "bedrock.converse": [
        (blocks({"odd": {}}), "messages[0].content[1]", "odd"),
        (blocks({"video": {"source": {}}}), "messages[0].content[1]", "video"),
        (blocks(1), "messages[0].content[1]", ""),
        ({"messages": []}, "messages", ""),
        ({**blocks(), "system": [{"odd": {}}]}, "system[0]", "odd"),
        (results({"odd": 1}), "messages[1].content[0].toolResult.content[0]", "odd"),
        (
            {
                **blocks(),
                "toolConfig": {
                    "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}],
                    "toolChoice": {"odd": {}},
                },
            },
            "toolConfig",
            "",
        ),
    ],
    "cohere.chat": [
        (message([ODD]), "messages[1].content[0]", "odd"),
        (message([]), "messages[1].content", ""),
        ({"messages": []}, "messages", ""),
        ({"messages": "no"}, "messages", ""),
        ({"messages": [HI], "tool_choice": "ODD"}, "tool_choice", ""),
        ({"messages": [HI], "tools": [{"type": 1}]}, "tools[0].type", ""),
    ],
    "mistral.chat": [
        (message([ODD]), "messages[1].content[0]", "odd"),
        ({"messages": []}, "messages", ""),
        ({"messages": [HI], "tool_choice": "odd"}, "tool_choice", ""),
        ({"messages": [HI], "response_format": FORMAT}, "response_format", ""),
    ],
    "ollama.chat": [
        ({"messages": []}, "messages", ""),
        ({"messages": [{"role": "user", "content": [ODD]}]}, "messages[0].content", "string"),
        ({"messages": [HI], "tools": [{}]}, "tools[0].function", ""),
        ({"messages": [HI], "format": 1}, "format", "schema"),
    ],
}
FAMILY = {"azure.chat": "openai.chat", "anthropic.messages@vertex": "anthropic.messages"}
PAIRS = [
    (door, FAMILY.get(door, door), provider)
    for door in DOORS
    for provider, native in PROVIDERS.items()
    if native != FAMILY.get(door, door)
]


@pytest.mark.parametrize(("door", "dialect", "provider"), PAIRS)
async def test_what_cannot_be_expressed_is_not_sent(door: str, dialect: str, provider: str) -> None:
    async with FakeUpstream() as upstream, run_gateway(TOML.format(url=upstream.base_url)) as g:
        for members, place, word in REFUSED[dialect]:
            body = {"model": f"{provider}/m", **members}
            path = DOORS[door].format(model=f"{provider}%2Fm")
            answer = await g.post(path, json=body)
            text = (await answer.read()).decode()
            assert answer.status == 400, (members, text)
            assert place in text, (members, text)
            assert word in text, (members, text)
        assert not upstream.requests


async def test_the_clients_own_dialect_is_left_to_the_provider_to_judge() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":[{"type":"odd"}]}],"tool_choice":7}'
    async with FakeUpstream() as upstream, run_gateway(TOML.format(url=upstream.base_url)) as g:
        upstream.reply(b"{}", 400)
        await g.post("/v1/chat/completions", body=body.replace(b'"m"', b'"chat/m"', 1))
        assert [one.body for one in upstream.requests] == [body]


@pytest.mark.parametrize("kind", ["server_tool_use", "odd"])
async def test_parts_of_a_models_turn_may_be_left_out_by_name(kind: str) -> None:
    turn = {"role": "assistant", "content": [{"type": kind}, {"type": "text", "text": "Sunny"}]}
    answer = b'{"id":"1","model":"m","choices":[{"index":0,"message":{"content":"x"}}]}'
    async with FakeUpstream() as upstream, run_gateway(TOML.format(url=upstream.base_url)) as g:
        upstream.reply(answer)
        body = {"model": "chat/m", "max_tokens": 9, "messages": [HI, turn, HI]}
        text = await g.post("/anthropic/v1/messages", json=body)
        assert text.status == 200
        assert f"messages.{kind}" in text.headers["x-jackfield-loss"]
        assert len(upstream.requests) == 1
