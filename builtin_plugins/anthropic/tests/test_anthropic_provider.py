"""The provider behind a real HTTP upstream: what it sends, and what it makes of the answers."""

import json
from typing import Any

import pytest
from anthropic.types import ModelInfo

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 2, "output_tokens": 1},
}
HELLO = [{"role": "user", "content": "Hello"}]
REQUEST = {"model": "up/claude-x", "max_tokens": 9, "messages": HELLO}
ERROR = {"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}


def table(upstream: FakeUpstream, more: str = "") -> str:
    return f"""
[upstream]
retries = 0
[providers.up]
use = "anthropic"
base_url = "{upstream.base_url}"
{more}
"""


def sent(upstream: FakeUpstream, at: int = -1) -> Any:
    return json.loads(upstream.requests[at].body)


def answer_json(upstream: FakeUpstream, value: Any, status: int = 200) -> None:
    upstream.reply(json.dumps(value).encode(), status)


async def fetch(gateway: GatewayClient, path: str, **request: Any) -> Any:
    return json.loads(await (await gateway.post(path, **request)).read())


async def test_only_the_models_name_is_spliced(upstream: FakeUpstream) -> None:
    answer_json(upstream, MESSAGE)
    async with run_gateway(table(upstream)) as gateway:
        body = b'{ "unknown":1, "model" : "up/m","messages":[], "b":{"model":"up/m"} }'
        await gateway.post("/anthropic/v1/messages", body=body)
    assert upstream.requests[0].body == body.replace(b"up/m", b"m", 1)
    assert upstream.requests[0].path == "/v1/messages"


async def test_the_key_and_a_version_are_sent(
    upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY_A", "sk-ant-aaaaaaaaaaaaaaaaaaaa")
    answer_json(upstream, MESSAGE)
    async with run_gateway(table(upstream, 'keys = ["env:KEY_A"]')) as gateway:
        credentials = {"authorization": "Bearer client-key", "x-api-key": "client-key"}
        await gateway.post("/v1/messages", json=REQUEST, headers=credentials)
    headers = upstream.requests[0].headers
    assert headers["x-api-key"] == "sk-ant-aaaaaaaaaaaaaaaaaaaa"
    assert headers.getall("anthropic-version") == ["2023-06-01"]
    assert "authorization" not in headers


async def test_a_clients_version_and_betas_are_passed_on(upstream: FakeUpstream) -> None:
    answer_json(upstream, MESSAGE)
    given = {"anthropic-version": "2026-10-21", "anthropic-beta": "a,b"}
    async with run_gateway(table(upstream)) as gateway:
        await gateway.post("/v1/messages", json=REQUEST, headers=given)
        wrong = await gateway.post(
            "/v1/messages", json=REQUEST, headers={"anthropic-version": "a b"}
        )
    headers = upstream.requests[0].headers
    assert headers.getall("anthropic-version") == ["2026-10-21"]
    assert headers["anthropic-beta"] == "a,b"
    assert wrong.status == 400
    assert len(upstream.requests) == 1


async def test_a_chat_request_is_translated(upstream: FakeUpstream) -> None:
    answer_json(upstream, MESSAGE)
    request = {"model": "up/claude-x", "messages": [{"role": "system", "content": "Be."}, *HELLO]}
    async with run_gateway(table(upstream)) as gateway:
        answer = await fetch(gateway, "/v1/chat/completions", json=request)
    assert answer["choices"][0]["message"]["content"] == "Hi"
    assert answer["usage"]["total_tokens"] == 3
    body = sent(upstream)
    assert body.pop("max_tokens") > 0
    assert body == {"model": "claude-x", "system": "Be.", "messages": HELLO}
    assert upstream.requests[0].path == "/v1/messages"


async def test_what_would_be_another_question_is_refused(upstream: FakeUpstream) -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    request = {"model": "up/claude-x", "messages": [{"role": "user", "content": [sound]}]}
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/v1/chat/completions", json=request)
        body = json.loads(await answer.read())
    assert answer.status == 400
    assert "audio" in body["error"]["message"]
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("status", "expected", "kind"),
    [
        (404, 404, "not_found_error"),
        (529, 529, "overloaded_error"),
        (401, 502, "api_error"),
        (413, 413, "request_too_large"),
    ],
)
async def test_errors_are_anthropics(
    upstream: FakeUpstream, status: int, expected: int, kind: str
) -> None:
    answer_json(upstream, {"type": "error", "error": {"type": kind, "message": "No."}}, status)
    async with run_gateway(table(upstream)) as gateway:
        answer = await gateway.post("/v1/messages", json=REQUEST)
        body = json.loads(await answer.read())
    assert answer.status == expected
    assert (body["type"], body["error"]["type"]) == ("error", kind)


async def test_an_error_of_anthropic_reaches_a_chat_client(upstream: FakeUpstream) -> None:
    answer_json(upstream, ERROR, 404)
    async with run_gateway(table(upstream)) as gateway:
        request = {"model": "up/x", "messages": HELLO}
        answer = await gateway.post("/v1/chat/completions", json=request)
        body = json.loads(await answer.read())
    assert answer.status == 404
    assert body["error"]["message"] == "model: x"


@pytest.mark.parametrize(
    ("method", "path", "upstream_path"),
    [
        ("POST", "/anthropic/v1/messages/batches", "/v1/messages/batches"),
        ("POST", "/v1/messages/batches/b_1/cancel", "/v1/messages/batches/b_1/cancel"),
        ("POST", "/anthropic/v1/skills", "/v1/skills"),
        ("POST", "/anthropic/v1/complete", "/v1/complete"),
        ("POST", "/anthropic/v1/new/item?beta=true", "/v1/new/item?beta=true"),
    ],
)
async def test_everything_else_is_passed_through(
    upstream: FakeUpstream, method: str, path: str, upstream_path: str
) -> None:
    answer_json(upstream, {"id": "x"})
    async with run_gateway(table(upstream)) as gateway:
        answer = await fetch(gateway, path, body=b'{"a":1}')
    assert answer == {"id": "x"}
    received = upstream.requests[0]
    assert (received.method, received.path, received.body) == (method, upstream_path, b'{"a":1}')


async def test_an_upload_is_passed_through_byte_for_byte(upstream: FakeUpstream) -> None:
    answer_json(upstream, {"id": "file_1", "type": "file"})
    media = "multipart/form-data; boundary=b"
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\x00\xff\r\n--b--'
    )
    async with run_gateway(table(upstream)) as gateway:
        headers = {"content-type": media}
        answer = await fetch(gateway, "/anthropic/v1/files", body=form, headers=headers)
    assert answer["id"] == "file_1"
    assert upstream.requests[0].body == form
    assert upstream.requests[0].headers["content-type"] == media


async def test_models_are_listed_in_anthropics_form(upstream: FakeUpstream) -> None:
    created = "2026-01-02T03:04:05Z"
    answer_json(upstream, {"data": [{"id": "claude-x", "created_at": created}], "has_more": False})
    async with run_gateway(table(upstream)) as gateway:
        listed = json.loads(await (await gateway.get("/anthropic/v1/models")).read())
        single = json.loads(await (await gateway.get("/anthropic/v1/models/up/claude-x")).read())
        missing = await gateway.get("/anthropic/v1/models/none")
    found = next(model for model in listed["data"] if model["id"] == "up/claude-x")
    assert found == single
    assert (found["type"], found["created_at"]) == ("model", created)
    assert listed["last_id"] == listed["data"][-1]["id"]
    assert missing.status == 404
    assert upstream.requests[0].path == "/v1/models?limit=1000"
    assert upstream.requests[0].headers["anthropic-version"] == "2023-06-01"


@pytest.mark.parametrize(
    ("query", "names", "more"),
    [
        ("", "abcd", False),
        ("?limit=2", "ab", True),
        ("?limit=2&after_id=up/b", "cd", False),
        ("?after_id=fake/echo", "", False),
        ("?limit=2&before_id=fake/echo", "bc", True),
        ("?limit=2&before_id=up%2Fb", "a", False),
        ("?limit=0", None, None),
        ("?after_id=up/e", None, None),
    ],
)
async def test_models_are_listed_by_the_page(
    query: str, names: str | None, more: bool | None
) -> None:
    toml = '[providers.up]\nuse = "anthropic"\nmodels = ["a", "b", "c"]'
    async with run_gateway(toml) as gateway:
        answer = await gateway.get(f"/anthropic/v1/models{query}")
        listed = await answer.json()
    if names is None:
        assert (answer.status, listed["error"]["type"]) == (400, "invalid_request_error")
        return
    ids = ["fake/echo" if name == "d" else f"up/{name}" for name in names]
    assert [model["id"] for model in listed["data"]] == ids
    assert (listed["has_more"], listed["last_id"]) == (more, ids[-1] if ids else None)


async def test_a_listed_model_has_its_configured_capabilities(upstream: FakeUpstream) -> None:
    facts = "{ context_tokens = 9000, max_output_tokens = 900, retires = 2027-01-02 }"
    toml = table(upstream, f'models = ["claude-x"]\n[capabilities]\n"claude-x" = {facts}')
    async with run_gateway(toml) as gateway:
        listed = json.loads(await (await gateway.get("/anthropic/v1/models/up/claude-x")).read())
    model = ModelInfo.model_validate(listed)
    assert (model.max_input_tokens, model.max_tokens) == (9000, 900)
    assert (model.lifecycle, str(model.retires_at)) == ("deprecated", "2027-01-02 00:00:00+00:00")


async def test_tokens_are_counted_by_another_vendor(upstream: FakeUpstream) -> None:
    answer_json(upstream, {"object": "response.input_tokens", "input_tokens": 7})
    toml = f"""
[server]
front_doors = ["anthropic"]
[providers.oa]
use = "openai"
base_url = "{upstream.base_url}/v1"
"""
    async with run_gateway(toml) as gateway:
        counted = await fetch(
            gateway, "/v1/messages/count_tokens", json={"model": "oa/gpt", "messages": HELLO}
        )
    assert counted == {"input_tokens": 7}
