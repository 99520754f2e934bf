"""A server of TGI for every client, and every provider for clients of TGI."""

import json
from typing import Any

import pytest

from jackfield import ProviderError
from jackfield.messages import Usage
from jackfield.testing import (
    FakeUpstream,
    GatewayClient,
    UpstreamReply,
    check_plugin,
    run_gateway,
)

test_laws = check_plugin("tgi", config={"model": "gemma"})

JSON = {"content-type": "application/json"}
ANSWER = {
    "generated_text": "Because of the sky.",
    "details": {"finish_reason": "eos_token", "generated_tokens": 5, "prefill": [], "tokens": []},
}
COMPLETION = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-mini",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "length"}
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def config(server: FakeUpstream) -> str:
    """A provider of each kind at the same address, `tgi` the first."""
    return f"""
[upstream]
retries = 0

[providers.tgi]
base_url = "{server.base_url}"
keys = ["env:DOCUMENTED_KEY"]

[providers.openai]
base_url = "{server.base_url}/v1"
keys = ["env:DOCUMENTED_KEY"]
"""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCUMENTED_KEY", "made-up-for-the-test")


async def generate(client: GatewayClient, path: str, **parameters: Any) -> Any:
    answer = await client.post(path, json={"inputs": "Hello", "parameters": parameters})
    assert answer.status == 200, await answer.read()
    return await answer.json()


async def test_a_chat_becomes_a_prompt_and_the_text_an_answer() -> None:
    async with FakeUpstream() as server:
        server.reply(json.dumps(ANSWER).encode(), headers=JSON)
        async with run_gateway(config(server)) as client:
            messages = [{"role": "user", "content": "Why is the sea blue?"}]
            body = {"model": "tgi/gemma", "messages": messages, "max_tokens": 9}
            answer = await (await client.post("/v1/chat/completions", json=body)).json()
        assert answer["choices"][0]["message"]["content"] == "Because of the sky."
        assert answer["choices"][0]["finish_reason"] == "stop"
        assert answer["usage"]["completion_tokens"] == 5
        got = server.requests[0]
        assert got.path == "/generate"
        assert got.headers["authorization"] == "Bearer made-up-for-the-test"
        assert json.loads(got.body)["inputs"] == "Why is the sea blue?"
        assert json.loads(got.body)["parameters"]["max_new_tokens"] == 9


async def test_the_headers_of_a_whole_answer_count_its_prompt() -> None:
    async with FakeUpstream() as server:
        counts = {"x-prompt-tokens": "7", "x-generated-tokens": "5"}
        server.always(UpstreamReply(200, (json.dumps(ANSWER).encode(),), {**JSON, **counts}))
        async with run_gateway(config(server)) as client:
            body = {"model": "tgi/gemma", "messages": [{"role": "user", "content": "Why?"}]}
            answer = await (await client.post("/v1/chat/completions", json=body)).json()
            await generate(client, "/tgi/generate")
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (7, 5)
    assert [settled.outcome.usage for settled in client.settled] == [Usage(7, 5), Usage(7, 5)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/tgi/models/tgi/gemma/generate", b'{"generated_text":  "Hi"}'),
        ("/tgi/generate?model=tgi/gemma", b'{"generated_text":  "Hi"}'),
        ("/tgi/generate", b'{"generated_text":  "Hi"}'),
        ("/tgi/models/tgi/gemma", b'[{"generated_text":  "Hi"}]'),
        ("/tgi/?model=tgi/gemma", b'[{"generated_text":  "Hi"}]'),
        ("/tgi", b'[{"generated_text":  "Hi"}]'),
    ],
)
async def test_what_a_client_of_tgi_asks_of_tgi_passes_byte_for_byte(
    path: str, expected: bytes
) -> None:
    request = b'{"inputs": "Hello",  "unknown": 1}'
    async with FakeUpstream() as server:
        server.reply(b'{"generated_text":  "Hi"}', headers=JSON)
        async with run_gateway(config(server)) as client:
            answer = await client.post(path, body=request, headers=JSON)
            assert await answer.read() == expected
        assert (server.requests[0].path, server.requests[0].body) == ("/generate", request)


async def test_a_client_of_tgi_reaches_another_vendor() -> None:
    async with FakeUpstream() as server:
        server.reply(json.dumps(COMPLETION).encode(), headers=JSON)
        async with run_gateway(config(server)) as client:
            path = "/tgi/models/openai/gpt-5-mini/generate"
            answer = await generate(
                client, path, max_new_tokens=2, details=True, return_full_text=True
            )
    assert answer["generated_text"] == "HelloHi."
    assert answer["details"]["finish_reason"] == "length"
    assert answer["details"]["generated_tokens"] == 2
    sent = json.loads(server.requests[0].body)
    assert sent["messages"] == [{"role": "user", "content": "Hello"}]


async def test_details_come_only_when_they_are_requested() -> None:
    async with FakeUpstream() as server:
        server.reply(json.dumps(COMPLETION).encode(), headers=JSON)
        async with run_gateway(config(server)) as client:
            answer = await generate(client, "/tgi?model=openai/gpt-5-mini")
    assert answer == [{"generated_text": "Hi.", "details": None}]


async def test_the_header_names_the_provider_where_nothing_names_a_model() -> None:
    async with run_gateway("[providers.tgi]\n[providers.demo]\n") as client:
        headers = {"x-jackfield-provider": "demo"}
        answer = await client.post("/tgi/generate", json={"inputs": "Hello"}, headers=headers)
        assert answer.headers["x-jackfield-target"].startswith("demo/")


async def test_the_model_is_what_the_server_says() -> None:
    async with FakeUpstream() as server:
        server.reply(b'{"model_id": "google/gemma-3-1b-it", "version": "3"}', headers=JSON)
        async with run_gateway(config(server)) as client:
            listed = await client.plugin("tgi").models()
        assert server.requests[0].path == "/info"
    assert [one.id for one in listed] == ["google/gemma-3-1b-it"]


async def test_the_model_is_what_the_configuration_says() -> None:
    async with run_gateway('[providers.tgi]\nmodel = "gemma"') as client:
        assert [one.id for one in await client.plugin("tgi").models()] == ["gemma"]


async def test_a_server_that_does_not_say_its_model_is_an_error() -> None:
    async with FakeUpstream() as server:
        server.reply(b'{"version": "3"}', headers=JSON)
        async with run_gateway(config(server)) as client:
            with pytest.raises(ProviderError, match="which model"):
                await client.plugin("tgi").models()
