"""The provider and the endpoints, in a gateway in front of an upstream on loopback."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield import sse
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

Front = tuple[GatewayClient, FakeUpstream]
HI = json.dumps({"contents": [{"parts": [{"text": "hi"}]}]}).encode()
PART = {"content": {"parts": [{"text": "Hello"}], "role": "model"}, "index": 0}
ANSWER = json.dumps({"candidates": [{**PART, "finishReason": "STOP"}]}).encode()
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "gpt"}
CHAT = json.dumps(
    {
        **COMPLETION,
        "choices": [{"index": 0, "message": {"content": "Hello"}, "finish_reason": "stop"}],
    }
).encode()
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt"}


@pytest.fixture
async def front(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    monkeypatch.setenv("GEMINI_TEST_KEY", "upstream-key-7")
    async with FakeUpstream() as upstream:
        toml = f"""
[upstream]
retries = 0
[providers.gm]
use = "gemini"
base_url = "{upstream.base_url}"
keys = ["env:GEMINI_TEST_KEY"]
[providers.oa]
use = "openai"
base_url = "{upstream.base_url}/v1"
dialects = ["openai.chat", "openai.embeddings"]
"""
        async with run_gateway(toml) as gateway:
            yield gateway, upstream


def chunks() -> list[bytes]:
    deltas = [({"content": "Hel"}, None), ({"content": "lo"}, None), ({}, "stop")]
    found = [
        {**CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
        for delta, finish in deltas
    ]
    return [sse.encode(json.dumps(chunk).encode()) for chunk in found] + [b"data: [DONE]\n\n"]


@pytest.mark.parametrize("version", ["v1", "v1beta", "v1alpha"])
@pytest.mark.parametrize("model", ["gm/gemini-3-flash", "gm%2Fgemini-3-flash"])
async def test_a_request_keeps_its_version_and_body(front: Front, version: str, model: str) -> None:
    gateway, upstream = front
    upstream.reply(ANSWER)
    answer = await gateway.post(f"/gemini/{version}/models/{model}:generateContent", body=HI)
    assert await answer.read() == ANSWER
    request = upstream.requests[-1]
    assert request.path == f"/{version}/models/gemini-3-flash:generateContent"
    assert request.body == HI


async def test_a_thought_goes_back_to_its_vendor_and_to_no_other(front: Front) -> None:
    gateway, upstream = front
    path = "/gemini/v1beta/models/{}:generateContent"
    message = {"role": "assistant", "content": "Hello", "reasoning_content": "Hm."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    upstream.reply(json.dumps({**COMPLETION, "choices": [choice]}).encode())
    answer = await gateway.post(path.format("oa/m"), body=HI)
    content = json.loads(await answer.read())["candidates"][0]["content"]
    request = json.dumps({"contents": [content, *json.loads(HI)["contents"]]}).encode()
    upstream.reply(CHAT)
    await gateway.post(path.format("oa/m"), body=request)
    assert json.loads(upstream.requests[-1].body)["messages"][0] == message
    upstream.reply(ANSWER)
    answer = await gateway.post(path.format("gm/gemini-3-flash"), body=request)
    assert answer.headers["x-jackfield-loss"] == "reasoning.replay"
    kept = json.loads(upstream.requests[-1].body)["contents"][0]
    assert kept == {"role": "model", "parts": [{"text": "Hello"}]}


async def test_a_clients_own_key_does_not_travel_on(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(ANSWER)
    path = "/gemini/v1beta/models/gm/m:generateContent?key=client-key&%24alt=json"
    await gateway.post(
        path, body=HI, headers={"x-goog-api-key": "client-key", "authorization": "client-key"}
    )
    request = upstream.requests[-1]
    assert request.path == "/v1beta/models/m:generateContent?%24alt=json"
    assert request.headers["x-goog-api-key"] == "upstream-key-7"
    assert b"client-key" not in request.head


@pytest.mark.parametrize(
    ("query", "media"), [("?alt=sse", "text/event-stream"), ("", "application/json")]
)
async def test_a_translated_stream_comes_in_the_requested_framing(
    front: Front, query: str, media: str
) -> None:
    gateway, upstream = front
    upstream.stream(chunks())
    path = f"/gemini/v1/models/oa/gpt:streamGenerateContent{query}"
    answer = await gateway.post(path, body=HI)
    body = await answer.read()
    assert answer.headers["content-type"].startswith(media)
    assert json.loads(upstream.requests[-1].body)["stream"] is True
    datas = [sse.data_of(event) or b"" for event in sse.split(body)] if query else [body]
    found: Any = [json.loads(data) for data in datas]
    items = found if query else found[0]
    parts = [item["candidates"][0]["content"]["parts"][0]["text"] for item in items]
    assert "".join(parts) == "Hello"
    assert [item["candidates"][0].get("finishReason") for item in items] == [None, None, "STOP"]


async def test_a_translated_request_streams_as_events(front: Front) -> None:
    gateway, upstream = front
    upstream.stream([sse.encode(ANSWER)])
    request = {"model": "gm/gemini-3-flash", "messages": [{"role": "user", "content": "hi"}]}
    answer = await gateway.post(
        "/v1/chat/completions", body=json.dumps({**request, "stream": True}).encode()
    )
    assert b"Hello" in await answer.read()
    path = "/v1beta/models/gemini-3-flash:streamGenerateContent?alt=sse"
    assert upstream.requests[-1].path == path


async def test_an_array_that_is_cut_ends_in_an_error(front: Front) -> None:
    gateway, upstream = front
    first = json.dumps({"candidates": [PART]}).encode()
    upstream.stream([b"[" + first], content_type="application/json", framing="cut")
    answer = await gateway.post("/gemini/v1/models/gm/m:streamGenerateContent", body=HI)
    *_, last = json.loads(await answer.read())
    assert last["error"]["details"][0]["reason"] == "STREAM_TRUNCATED"


async def test_an_error_in_a_stream_is_reported(front: Front) -> None:
    gateway, upstream = front
    first = sse.encode(json.dumps({"candidates": [PART]}).encode())
    failure = {"error": {"code": 503, "message": "Overloaded.", "status": "UNAVAILABLE"}}
    upstream.stream([first, sse.encode(json.dumps(failure).encode())])
    answer = await gateway.post("/gemini/v1/models/gm/m:streamGenerateContent?alt=sse", body=HI)
    events = sse.split(await answer.read())
    assert json.loads(sse.data_of(events[-1]) or b"")["error"]["message"] == "Overloaded."


@pytest.mark.parametrize(("delay", "header"), [("17.5s", "18"), ("0s", "1"), ("soon", None)])
async def test_the_wait_in_an_errors_body_reaches_every_client(
    front: Front, delay: str, header: str | None
) -> None:
    gateway, upstream = front
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    failure = {"code": 429, "message": "Slow.", "status": "RESOURCE_EXHAUSTED", "details": [info]}
    upstream.reply(json.dumps({"error": failure}).encode(), 429)
    body = {"model": "gm/gemini-3-flash", "messages": [{"role": "user", "content": "hi"}]}
    answer = await gateway.post("/v1/chat/completions", json=body)
    assert (answer.status, answer.headers.get("retry-after")) == (429, header)


async def test_a_key_that_google_does_not_know_is_the_gateways_trouble(front: Front) -> None:
    gateway, upstream = front
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    failure = {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}
    upstream.reply(json.dumps({"error": {**failure, "details": [reason]}}).encode(), 400)
    answer = await gateway.post("/gemini/v1/models/gm/m:generateContent", body=HI)
    assert answer.status == 502
    assert "check the provider's keys" in (await answer.json())["error"]["message"]


async def test_an_upload_passes_with_its_headers(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b"{}", headers={"Content-Type": "application/json"})
    headers = {"x-goog-upload-protocol": "resumable", "x-goog-upload-command": "start"}
    await gateway.post("/gemini/upload/v1beta/files", body=b"{}", headers=headers)
    request = upstream.requests[-1]
    assert request.path == "/upload/v1beta/files"
    assert request.headers["x-goog-upload-command"] == "start"


@pytest.mark.parametrize(
    "path",
    ["/v1beta/cachedContents", "/v1beta/batches/b-1", "/v1/operations/o", "/v1beta/interactions"],
)
async def test_everything_else_passes_as_it_is(front: Front, path: str) -> None:
    gateway, upstream = front
    upstream.reply(b'{"name": "x"}')
    answer = await gateway.post("/gemini" + path, body=b'{"model": "models/gm/m"}')
    assert await answer.read() == b'{"name": "x"}'
    assert (upstream.requests[-1].path, upstream.requests[-1].body) == (
        path,
        b'{"model": "models/m"}',
    )


async def test_a_prediction_reaches_its_model(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"predictions": []}')
    answer = await gateway.post("/gemini/v1beta/models/gm/imagen-4:predict", body=b"{}")
    assert answer.status == 200
    assert upstream.requests[-1].path == "/v1beta/models/imagen-4:predict"


async def test_the_models_are_listed_in_googles_form(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"models": [{"name": "models/gemini-3-flash"}]}')
    upstream.reply(b'{"models": [{"name": "models/gemini-3-flash"}]}')
    answer = await gateway.get("/gemini/v1beta/models")
    names = [model["name"] for model in (await answer.json())["models"]]
    assert "models/gm/gemini-3-flash" in names
    shown = await gateway.get("/gemini/v1beta/models/gm/gemini-3-flash")
    assert (await shown.json())["name"] == "models/gm/gemini-3-flash"
    missing = await gateway.get("/gemini/v1beta/models/gm/none")
    assert (await missing.json())["error"]["status"] == "NOT_FOUND"


async def test_a_listed_model_has_what_is_known_of_it() -> None:
    toml = """
[providers.gm]
use = "gemini"
models = ["g"]
[capabilities]
"g" = { context_tokens = 9000, max_output_tokens = 900, reasoning = "effort" }
"""
    async with run_gateway(toml) as gateway:
        model = await (await gateway.get("/gemini/v1beta/models/gm/g")).json()
    assert (model["inputTokenLimit"], model["outputTokenLimit"]) == (9000, 900)
    assert model["thinking"] is True


async def test_a_batch_of_embeddings_names_the_providers_model(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"embeddings": [{"values": [1.0]}]}')
    body = b'{"requests": [{"model": "models/gm/e", "content": {"parts": [{"text": "a"}]}}]}'
    await gateway.post("/gemini/v1/models/gm/e:batchEmbedContents", body=body)
    assert upstream.requests[-1].body == body.replace(b"gm/e", b"e")


@pytest.mark.parametrize(
    ("method", "body", "where"),
    [
        (
            "batchEmbedContents",
            {"requests": [{"model": "models/gm/e"}, {"model": "f"}]},
            "[1].model",
        ),
        ("batchEmbedContents", {"requests": {"model": "models/f"}}, "requests[0].model"),
        ("countTokens", {"generateContentRequest": {"model": "f"}}, "generateContentRequest.model"),
        ("countTokens", {"generate_content_request": {"model": "models/f"}}, "Request.model"),
    ],
)
async def test_a_body_names_no_other_model_than_its_path(
    front: Front, method: str, body: dict[str, Any], where: str
) -> None:
    gateway, upstream = front
    path = f"/gemini/v1beta/models/gm/e:{method}"
    answer = await gateway.post(path, body=json.dumps(body).encode())
    error = (await answer.json())["error"]
    assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert where in error["message"]
    assert not upstream.requests


async def test_embeddings_of_openai_are_sent_as_a_batch(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"embeddings": [{"values": [1.0]}, {"values": [2.0]}]}')
    request = {"model": "gm/e", "input": ["a", "b"], "dimensions": 1}
    answer = await gateway.post("/v1/embeddings", body=json.dumps(request).encode())
    assert [item["embedding"] for item in (await answer.json())["data"]] == [[1.0], [2.0]]
    sent = json.loads(upstream.requests[-1].body)["requests"]
    assert [one["content"]["parts"][0]["text"] for one in sent] == ["a", "b"]
    assert sent[0]["outputDimensionality"] == 1
    assert upstream.requests[-1].path == "/v1beta/models/e:batchEmbedContents"


async def test_a_part_of_a_file_is_downloaded(front: Front) -> None:
    gateway, upstream = front
    headers = {
        "Content-Type": "video/mp4",
        "Content-Range": "bytes 2-3/9",
        "Accept-Ranges": "bytes",
    }
    upstream.reply(b"cd", 206, headers=headers)
    path = "/gemini/v1beta/files/a:download?alt=media"
    answer = await gateway.get(path, headers={"range": "bytes=2-3"})
    assert (answer.status, await answer.read()) == (206, b"cd")
    assert upstream.requests[0].headers["range"] == "bytes=2-3"
    assert {name: answer.headers[name] for name in headers} == headers
