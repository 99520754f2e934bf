"""Presets: what they add to a table, and what they change of a request."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.corpus import exchanges, needs_corpus

from jackfield.commands import main
from jackfield.errors import ConfigError
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield_openai import OpenAI
from jackfield_openai.presets import Preset, completed, preset_of, presets

README = Path(__file__).parents[1] / "README.md"
ASK = {"model": "up/m", "messages": [{"role": "user", "content": "Hi"}]}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
CHAT = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}
OUTPUT = {
    "type": "message",
    "id": "m",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi", "annotations": []}],
}
RESPONSE = {
    "id": "r",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [OUTPUT],
}
RECORDED_UNDER = {
    # What a server is called there, and where it differs from its preset.
    "gpustack": "gpustack.example",
    "snowflake": "myorg-myaccount.snowflakecomputing.com",
    "vllm": "localhost:8000",
    "together": "api.together.ai",
}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def table(upstream: FakeUpstream, preset: str, more: str = "") -> str:
    url = f"{upstream.base_url}/v1"
    return f'[providers.up]\nuse = "openai"\npreset = "{preset}"\nbase_url = "{url}"\n{more}'


def sent(upstream: FakeUpstream) -> Any:
    return json.loads(upstream.requests[-1].body)


async def listed(gateway: GatewayClient) -> list[str]:
    answer = await (await gateway.get("/v1/models")).json()
    return [model["id"] for model in answer["data"]]


def configured(**options: Any) -> OpenAI.Config:
    return OpenAI.Config(**options)


def row(name: str, preset: Preset) -> str:
    address = preset.base_url or preset.base_url_form
    key = f"`{preset.key}`" if preset.key else "none"
    return f"| `{name}` | `{address}` | {key} | {', '.join(preset.dialects)} |"


def test_the_table_of_the_readme_is_that_of_the_presets() -> None:
    written = re.findall(r"^\| `\w+` \| `https?://.*$", README.read_text(), re.MULTILINE)
    assert written == [row(name, preset) for name, preset in presets().items() if name != "openai"]


def test_a_table_called_like_a_preset_is_that_api() -> None:
    config = configured()
    preset = preset_of(config, "groq")
    done = completed(config, preset)
    assert done.base_url == "https://api.groq.com/openai/v1"
    assert [str(key) for key in done.keys] == ["env:GROQ_API_KEY"]
    assert preset.dialect_names == ("openai.chat", "openai.responses", "openai.resource")


def test_a_table_of_any_other_name_is_openai() -> None:
    config = configured()
    assert completed(config, preset_of(config, "work")).base_url == "https://api.openai.com/v1"


def test_settings_of_the_table_win_over_its_preset() -> None:
    config = configured(base_url="http://127.0.0.1:1/v1", dialects=("openai.chat",), preset="groq")
    done = completed(config, preset_of(config, "fast"))
    assert (done.base_url, done.dialects) == ("http://127.0.0.1:1/v1", ("openai.chat",))


def test_a_key_is_never_taken_for_another_address() -> None:
    config = configured(base_url="http://127.0.0.1:1/v1", preset="groq")
    assert completed(config, preset_of(config, "groq")).keys == ()


@pytest.mark.parametrize("name", ["vllm", "sglang", "llamacpp", "lmstudio"])
async def test_a_server_on_this_machine_needs_no_key(name: str) -> None:
    async with run_gateway(f'[providers.{name}]\nuse = "openai"\nmodels = ["m"]') as gateway:
        assert f"{name}/m" in await listed(gateway)


async def test_a_preset_whose_key_is_not_there_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GROQ_API_KEY", raising=False)
    problem = r"1:12: providers\.groq\.keys\[0\]: .*GROQ_API_KEY is not set"
    with pytest.raises(ConfigError, match=problem):
        async with run_gateway('[providers.groq]\nuse = "openai"'):
            pass


def test_check_says_how_many_secrets_a_provider_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk-made-up")
    file = tmp_path / "jackfield.toml"
    file.write_text('[providers.openai]\n[providers.groq]\nuse = "openai"\n')
    assert main(["check", "--config", str(file)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    counts = {row[0]: row[-1] for row in rows if row and row[-2].startswith("https:")}
    assert counts == {"openai": "none", "groq": "1"}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ('[providers.fast]\npreset = "grok"', "unknown preset; did you mean 'groq'?"),
        ('[providers.work]\npreset = "snowflake"', "snowflakecomputing.com/api/v2/cortex/v1"),
        ("[providers.snowflake]", "snowflakecomputing.com/api/v2/cortex/v1"),
        ('[providers.work]\ndialects = ["azure.chat"]', "no 'azure.chat'; it speaks openai.chat, "),
        ('[providers.groq]\ndialects = ["chat"]', "no 'chat'; it speaks openai.chat, "),
    ],
)
async def test_a_table_that_cannot_work_does_not_start(table: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(problem)):
        async with run_gateway(f'{table}\nuse = "openai"\n'):
            pass


async def test_a_translated_request_has_the_fields_of_the_api(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    question = {
        "model": "up/m",
        "max_output_tokens": 9,
        "input": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Hi"},
        ],
    }
    async with run_gateway(table(upstream, "together")) as gateway:
        answer = await gateway.post("/v1/responses", json=question)
    assert answer.status == 200
    assert sent(upstream)["max_tokens"] == 9
    assert "max_completion_tokens" not in sent(upstream)
    assert [message["role"] for message in sent(upstream)["messages"]] == ["system", "user"]


async def test_texts_are_one_string_for_an_api_that_takes_no_other(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    texts = [{"type": "input_text", "text": text} for text in ("Be brief.", "Be kind.")]
    picture = {"type": "input_image", "image_url": "https://example.com/a.png"}
    question = [
        {"role": "system", "content": texts},
        {"role": "user", "content": [*texts, picture]},
    ]
    async with run_gateway(table(upstream, "cerebras")) as gateway:
        await gateway.post("/v1/responses", json={"model": "up/m", "input": question})
    system, user = sent(upstream)["messages"]
    assert system["content"] == "Be brief.\n\nBe kind."
    assert [part["type"] for part in user["content"]] == ["text", "text", "image_url"]


async def test_what_an_api_refuses_is_left_out_and_named(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    question = {"model": "up/m", "input": "Hi", "tools": [tool]}
    async with run_gateway(table(upstream, "perplexity")) as gateway:
        answer = await gateway.post("/v1/responses", json=question)
    assert "tools" not in sent(upstream)
    assert answer.headers["x-jackfield-loss"] == "tools"


async def test_a_call_that_an_api_cannot_make_is_not_sent_to_it(upstream: FakeUpstream) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object"}}
    question = {"model": "up/m", "input": "Hi", "tools": [tool], "tool_choice": "required"}
    async with run_gateway(table(upstream, "perplexity")) as gateway:
        answer = await gateway.post("/v1/responses", json=question)
    assert answer.status == 400
    assert "tool_choice dropped" in (await answer.json())["error"]["message"]
    assert upstream.requests == []


async def test_a_request_of_chat_is_sent_with_the_fields_of_the_api(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    question = ASK | {"max_completion_tokens": 9}
    async with run_gateway(table(upstream, "deepseek")) as gateway:
        await gateway.post("/v1/chat/completions", json=question)
    assert sent(upstream) == ASK | {"model": "m", "max_tokens": 9}


@pytest.mark.parametrize(
    "members",
    ['"max_tokens":null,"max_completion_tokens":9', r'"max_completion_\u0074okens":9'],
    ids=["beside a null", "escaped"],
)
async def test_a_limit_reaches_the_api_however_it_is_written(
    upstream: FakeUpstream, members: str
) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    async with run_gateway(table(upstream, "deepseek")) as gateway:
        body = f'{{"model":"up/m","messages":[],{members}}}'.encode()
        await gateway.post("/v1/chat/completions", body=body)
    assert sent(upstream) == {"model": "m", "messages": [], "max_tokens": 9}


@pytest.mark.parametrize("text", ["[]", r'[{"role":"user","content":"\u00e9 \"developer\""}]'])
async def test_what_needs_no_other_word_is_passed_on_byte_for_byte(
    upstream: FakeUpstream, text: str
) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    body = f'{{"messages" : {text}, "max_tokens":9,  "model":"up/m"}}'.encode()
    async with run_gateway(table(upstream, "deepseek")) as gateway:
        await gateway.post("/v1/chat/completions", body=body)
    assert upstream.requests[-1].body == body.replace(b"up/m", b"m")


async def test_an_api_may_have_paths_of_its_own(upstream: FakeUpstream) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    async with run_gateway(table(upstream, "writer")) as gateway:
        await gateway.post("/v1/chat/completions", json=ASK)
    assert upstream.requests[-1].path == "/v1/chat"


async def test_a_list_of_models_may_lack_its_envelope(upstream: FakeUpstream) -> None:
    upstream.reply(b'[{"id": "m", "object": "model"}]')
    async with run_gateway(table(upstream, "together")) as gateway:
        assert "up/m" in await listed(gateway)


async def test_no_list_is_requested_of_an_api_without_a_list_of_models(
    upstream: FakeUpstream,
) -> None:
    async with run_gateway(table(upstream, "voyage")) as gateway:
        await listed(gateway)
    assert upstream.requests == []


@needs_corpus
def test_recorded_traffic_went_to_the_addresses_of_the_presets() -> None:
    wrong = []
    for exchange in exchanges("openai_chat"):
        preset = presets().get(exchange.provider)
        if preset is not None and exchange.provider != "huggingface":
            url = f"{exchange.request['host']}{exchange.request['path']}".partition("?")[0]
            if not any(url.startswith(start) for start in starts(exchange.provider, preset)):
                wrong.append(f"{exchange.id}: {url}")
    assert wrong == []


def starts(name: str, preset: Preset) -> list[str]:
    base = (preset.base_url or preset.base_url_form).partition("://")[2]
    host, _, path = base.partition("/")
    path = f"/{path}" if path else ""
    if name in ("gpustack", "deepseek"):  # without /v1 as well, and under /beta
        path = ""
    return [host + path, RECORDED_UNDER.get(name, host) + path]


async def test_a_server_that_lacks_a_dialect_is_called_in_one_that_it_has(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(b'{"detail":"Not Found"}', 404)
    upstream.reply(json.dumps(CHAT).encode())
    question = {"model": "up/m", "input": "Hi", "max_output_tokens": 9}
    async with run_gateway(table(upstream, "lmstudio")) as gateway:
        answer = await gateway.post("/v1/responses", json=question)
    assert (await answer.json())["output"][0]["content"][0]["text"] == "Hi"
    assert [r.path for r in upstream.requests] == ["/v1/responses", "/v1/chat/completions"]
    assert sent(upstream)["max_tokens"] == 9


async def test_the_dialects_of_the_table_win_over_those_of_the_preset(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    dialects = 'dialects = ["openai.chat"]'
    async with run_gateway(table(upstream, "lmstudio", dialects)) as gateway:
        await gateway.post("/v1/responses", json={"model": "up/m", "input": "Hi"})
    assert upstream.requests[0].path == "/v1/chat/completions"


async def test_a_server_that_only_has_the_name_of_openai_is_asked_in_chat(
    upstream: FakeUpstream,
) -> None:
    upstream.reply(json.dumps(CHAT).encode())
    doors = '[server]\nfront_doors = ["anthropic"]\n'
    hi = {"role": "user", "content": "Hi"}
    ask = {"model": "openai/gpt-5.6", "max_tokens": 9, "messages": [hi]}
    own = f'[providers.openai]\nbase_url = "{upstream.base_url}/v1"\n'
    async with run_gateway(doors + own) as gateway:
        await gateway.post("/anthropic/v1/messages", json=ask)
    assert upstream.requests[0].path == "/v1/chat/completions"


@pytest.mark.parametrize(
    ("model", "paths"),
    [
        ("gpt-5.6", ("/v1/responses", "/v1/chat/completions")),
        ("gpt-6-sol", ("/v1/responses", "/v1/chat/completions")),
        ("gpt-5.1", ("/v1/chat/completions", "/v1/chat/completions")),
    ],
)
async def test_a_model_whose_chat_has_no_tools_is_asked_in_responses_by_other_vendors_clients(
    upstream: FakeUpstream, model: str, paths: tuple[str, str]
) -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}}
    hi = {"model": f"up/{model}", "messages": [{"role": "user", "content": "Hi"}]}
    answers = {"/v1/responses": RESPONSE, "/v1/chat/completions": CHAT}
    doors = '[server]\nfront_doors = ["anthropic"]\n'
    async with run_gateway(doors + table(upstream, "openai")) as gateway:
        upstream.reply(json.dumps(answers[paths[0]]).encode())
        message = hi | {"max_tokens": 99, "tools": [tool]}
        answer = await (await gateway.post("/anthropic/v1/messages", json=message)).json()
        upstream.reply(json.dumps(answers[paths[1]]).encode())
        await gateway.post("/v1/chat/completions", json=hi)
    assert answer["content"] == [{"type": "text", "text": "Hi"}]
    assert tuple(request.path for request in upstream.requests) == paths
