"""The provider behind a real HTTP upstream: what it sends, and what it makes of the answers."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    ],
    "usage": {"prompt_tokens": 2, "completion_tokens": 1, "total_tokens": 3},
}
REQUEST = {"model": "up/m", "messages": [{"role": "user", "content": "Hello"}]}
UNKNOWN_PATH = {"detail": "Not Found"}


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def table(upstream: FakeUpstream, more: str = "") -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "openai"
base_url = "{upstream.base_url}/v1"
{more}
"""


def sent(upstream: FakeUpstream, at: int = -1) -> Any:
    return json.loads(upstream.requests[at].body)


def answer_json(upstream: FakeUpstream, value: Any, status: int = 200) -> None:
    upstream.reply(json.dumps(value).encode(), status)


async def test_only_the_models_name_is_spliced(upstream: FakeUpstream) -> None:
    answer_json(upstream, CHAT)
    async with run_gateway(table(upstream)) as gateway:
        body = b'{ "unknown":1, "model" : "up/m","messages":[], "b":{"model":"up/m"} }'
        await gateway.post("/v1/chat/completions", body=body)
    assert upstream.requests[0].body == body.replace(b"up/m", b"m", 1)
    assert upstream.requests[0].path == "/v1/chat/completions"


async def test_keys_are_used_by_their_weights(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_A", "sk-aaaaaaaaaaaaaaaaaaaa")
    monkeypatch.setenv("KEY_B", "sk-bbbbbbbbbbbbbbbbbbbb")
    keys = 'keys = [{ secret = "env:KEY_A", weight = 2 }, "env:KEY_B"]'
    async with run_gateway(table(upstream, keys)) as gateway:
        for _ in range(9):
            answer_json(upstream, CHAT)
            await gateway.post("/v1/chat/completions", json=REQUEST)
    used = Counter(request.headers["authorization"][-1] for request in upstream.requests)
    assert used == {"a": 6, "b": 3}


@pytest.mark.parametrize("status", [401, 429])
async def test_a_key_that_is_refused_rests_and_another_takes_its_place(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setenv("KEY_A", "sk-aaaaaaaaaaaaaaaaaaaa")
    monkeypatch.setenv("KEY_B", "sk-bbbbbbbbbbbbbbbbbbbb")
    refusal = json.dumps({"error": {"message": "Not with this key"}}).encode()
    async with run_gateway(table(upstream, 'keys = ["env:KEY_A", "env:KEY_B"]')) as gateway:
        upstream.reply(refusal, status, {"Retry-After": "30"})
        for _ in range(4):
            answer_json(upstream, CHAT)
        statuses = [
            (await gateway.post("/v1/chat/completions", json=REQUEST)).status for _ in range(4)
        ]
    assert statuses == [200] * 4
    used = [request.headers["authorization"][-1] for request in upstream.requests]
    assert used[0] not in used[1:]


async def test_a_callers_key_is_not_blamed_for_the_gateways(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_A", "sk-aaaaaaaaaaaaaaaaaaaa")
    toml = table(upstream, 'keys = ["env:KEY_A"]').replace("retries = 0", "retries = 2")
    async with run_gateway(toml) as gateway:
        answer_json(upstream, {"error": {"message": "Incorrect API key: sk-aaaa"}}, 401)
        refused = await gateway.post("/v1/chat/completions", json=REQUEST)
    assert refused.status == 502
    assert b"sk-" not in await refused.read()
    assert len(upstream.requests) == 1


async def test_a_responses_client_works_on_an_upstream_that_knows_chat_alone(
    upstream: FakeUpstream,
) -> None:
    answer_json(upstream, UNKNOWN_PATH, 404)
    answer_json(upstream, CHAT)
    answer_json(upstream, CHAT)
    async with run_gateway(table(upstream)) as gateway:
        first = await gateway.post("/v1/responses", json={"model": "up/m", "input": "Hello"})
        second = await gateway.post("/v1/responses", json={"model": "up/m", "input": "Hello"})
    for answer in (first, second):
        assert (await answer.json())["output"][0]["content"][0]["text"] == "Hi"
    paths = [request.path for request in upstream.requests]
    assert paths == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]


async def test_a_completions_client_works_on_an_upstream_that_speaks_chat_alone(
    upstream: FakeUpstream,
) -> None:
    answer_json(upstream, CHAT)
    dialects = 'dialects = ["openai.chat"]'
    async with run_gateway(table(upstream, dialects)) as gateway:
        answer = await gateway.post("/v1/completions", json={"model": "up/m", "prompt": "Hello"})
    assert (await answer.json())["choices"][0]["text"] == "Hi"
    assert sent(upstream)["messages"] == [{"role": "user", "content": "Hello"}]


async def test_a_model_that_is_unknown_upstream_is_not_taken_for_an_unknown_path(
    upstream: FakeUpstream,
) -> None:
    error = {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}}
    answer_json(upstream, error, 404)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/v1/responses", json={"model": "up/m", "input": "Hello"})
    assert (answer.status, len(upstream.requests)) == (404, 1)


async def test_a_conversation_kept_by_the_provider_is_refused_where_it_cannot_be_had(
    upstream: FakeUpstream,
) -> None:
    dialects = 'dialects = ["openai.chat"]'
    status_for = {"model": "up/m", "input": "And then?", "previous_response_id": "resp_1"}
    async with run_gateway(table(upstream, dialects)) as gateway:
        answer = await gateway.post("/v1/responses", json=status_for)
    assert answer.status == 400
    assert "conversation.server_state" in (await answer.json())["error"]["message"]
    assert upstream.requests == []


async def test_what_one_target_cannot_express_goes_to_another(upstream: FakeUpstream) -> None:
    more = f"""
dialects = ["openai.chat"]
[providers.full]
use = "openai"
base_url = "{upstream.base_url}/v1"
[models.any]
targets = ["up/m"]
fallbacks = ["full/m"]
"""
    answer_json(upstream, {"id": "resp_2", "object": "response", "output": []})
    question = {"model": "any", "input": "And then?", "previous_response_id": "resp_1"}
    async with run_gateway(table(upstream, more)) as gateway:
        answer = await gateway.post("/v1/responses", json=question)
    assert (answer.status, upstream.requests[0].path) == (200, "/v1/responses")


async def test_audio_goes_up_as_a_form_and_down_as_bytes(upstream: FakeUpstream) -> None:
    upstream.reply([b"ID3", b"\x00\xff"], headers={"Content-Type": "audio/mpeg"})
    form = (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nup/whisper\r\n'
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n\x00\xff\r\n'
        b"--b--\r\n"
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/v1/audio/transcriptions", body=form, headers=headers)
        assert await answer.read() == b"ID3\x00\xff"
    assert upstream.requests[0].body == form.replace(b"up/whisper", b"whisper")
    assert upstream.requests[0].headers["content-type"] == headers["content-type"]


async def test_any_resource_is_passed_to_the_provider_that_is_named(
    upstream: FakeUpstream,
) -> None:
    answer_json(upstream, {"object": "list", "data": []})
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.get(
            "/v1/vector_stores/vs_1/files?limit=2", headers={"x-jackfield-provider": "up"}
        )
    assert answer.status == 200
    assert upstream.requests[0].path == "/v1/vector_stores/vs_1/files?limit=2"


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("/v1/realtime/calls/rtc_1", True),
        ("http://10.0.0.9/calls/rtc_1", False),
        ("//10.0.0.9/rtc_1", False),
    ],
)
async def test_headers_that_clients_of_resources_read_come_back(
    upstream: FakeUpstream, location: str, shown: bool
) -> None:
    headers = {"openai-poll-after-ms": "500", "content-disposition": 'attachment; filename="a.txt"'}
    upstream.reply(
        b"v=0", headers={**headers, "Location": location, "Content-Type": "application/sdp"}
    )
    async with run_gateway(table(upstream)) as gateway:
        sent = {"content-type": "application/sdp"}
        answer = await gateway.post("/v1/realtime/calls", body=b"v=0", headers=sent)
        assert await answer.read() == b"v=0"
    kept = {name: answer.headers.get(name) for name in (*headers, "location")}
    assert kept == {**headers, "location": location if shown else None}


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"<html>Sorry</html>", "text/html"),
        (b'{"id":"x","choices":[', "application/json"),
        (b"", "application/json"),
    ],
)
async def test_a_200_that_is_no_answer_is_an_error(
    upstream: FakeUpstream, body: bytes, media: str
) -> None:
    upstream.reply(body, headers={"Content-Type": media})
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/v1/chat/completions", json=REQUEST)
    assert answer.status == 502
    assert (await answer.json())["error"]["code"] == "provider_unavailable"


async def test_the_list_of_models_names_the_provider(upstream: FakeUpstream) -> None:
    answer_json(upstream, {"object": "list", "data": [{"id": "m", "object": "model"}]})
    async with run_gateway(table(upstream)) as gateway:
        listed = await (await gateway.get("/v1/models")).json()
        shown = await (await gateway.get("/v1/models/up/m")).json()
    assert "up/m" in [model["id"] for model in listed["data"]]
    assert shown["id"] == "up/m"


async def status_for(gateway: GatewayClient, model: str) -> int:
    answer = await gateway.post("/v1/chat/completions", json=REQUEST | {"model": model})
    return answer.status


async def test_a_failing_target_is_followed_by_the_next(upstream: FakeUpstream) -> None:
    alias = '[models.fast]\ntargets = ["up/a"]\nfallbacks = ["up/b"]'
    answer_json(upstream, {"error": {"message": "overloaded"}}, 503)
    answer_json(upstream, CHAT)
    async with run_gateway(table(upstream) + alias) as gateway:
        assert await status_for(gateway, "fast") == 200
    assert [sent(upstream, at)["model"] for at in (0, 1)] == ["a", "b"]


FAILED = {
    "object": "response",
    "output": [],
    "status": "failed",
    "error": {"code": "server_error", "message": "Too hot."},
}


@pytest.mark.parametrize(
    ("value", "dialect", "status", "message"),
    [
        ({"error": {"code": 429, "message": "Slow down."}}, "openai.chat", 429, "Slow down."),
        (FAILED, "openai.responses", 502, "Too hot."),
    ],
)
async def test_an_error_under_a_good_status_keeps_its_message(
    upstream: FakeUpstream, value: Any, dialect: str, status: int, message: str
) -> None:
    answer_json(upstream, value)
    async with run_gateway(table(upstream, f'dialects = ["{dialect}"]')) as gateway:
        answer = await gateway.post("/v1/chat/completions", json=REQUEST)
    assert answer.status == status
    assert (await answer.json())["error"]["message"] == message


@pytest.mark.parametrize(
    ("provider", "short"), [('preset = "openai"', True), ('preset = "xai"', False)]
)
async def test_a_long_id_of_another_vendors_call_is_one_that_openai_takes(
    upstream: FakeUpstream, provider: str, short: bool
) -> None:
    answer_json(upstream, CHAT)
    long, text = "chatcmpl-tool-a31f1a5690b14b7daf0e78d2a2d23da2", '  "é" '
    call = {"id": long, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": text},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": long, "content": "1"},
    ]
    body = json.dumps({"model": "up/m", "messages": turns}, indent=1).encode()
    headers = {"content-type": "application/json"}
    async with run_gateway(table(upstream, provider)) as gateway:
        await gateway.post("/v1/chat/completions", body=body, headers=headers)
    arrived = upstream.requests[0].body
    called = sent(upstream)["messages"][1]["tool_calls"][0]["id"]
    assert (len(called) <= 40, sent(upstream)["messages"][2]["tool_call_id"]) == (short, called)
    assert arrived == body.replace(b"up/m", b"m").replace(long.encode(), called.encode())
