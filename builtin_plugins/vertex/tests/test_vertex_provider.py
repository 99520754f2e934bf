"""The provider's paths and dialects, by model and by the client's dialect."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield import sse
from jackfield.errors import InvalidRequest
from jackfield.messages import Reasoning
from jackfield.proofs import seal
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield_vertex.address import host_of
from jackfield_vertex.endpoints import EMBEDDINGS, GOOGLE_COUNT

Front = tuple[GatewayClient, FakeUpstream]
OWN = "/v1/projects/ours/locations/us-east5/publishers"
BETAS = "claude-code-20250219, context-1m-2025-08-07, advanced-tool-use-2025-11-20"
HI = {"messages": [{"role": "user", "content": "hi"}]}
PART = {"content": {"parts": [{"text": "Hello"}], "role": "model"}, "finishReason": "STOP"}
ANSWER = json.dumps({"candidates": [PART]}).encode()
CHAT = json.dumps(
    {
        "id": "c-1",
        "object": "chat.completion",
        "created": 1,
        "model": "llama",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello"},
                "finish_reason": "stop",
            }
        ],
    }
).encode()
CLAUDE = json.dumps(
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
).encode()


@pytest.fixture
async def front(upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Front]:
    monkeypatch.setenv("VERTEX_TOKEN", "token-of-gateway-1")
    toml = f"""
[upstream]
retries = 0
[providers.vx]
use = "vertex"
base_url = "{upstream.base_url}"
project = "ours"
location = "us-east5"
credentials = {{ bearer = "env:VERTEX_TOKEN" }}
[providers.gm]
use = "gemini"
base_url = "{upstream.base_url}"
[providers.an]
use = "anthropic"
"""
    async with run_gateway(toml) as gateway:
        yield gateway, upstream


async def post(gateway: GatewayClient, path: str, tree: Any) -> str:
    answer = await gateway.post(path, body=json.dumps(tree).encode())
    body = (await answer.read()).decode()
    assert answer.status == 200, body
    return body


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("us-central1", "https://us-central1-aiplatform.googleapis.com"),
        ("eu", "https://aiplatform.eu.rep.googleapis.com"),
    ],
)
def test_a_location_has_a_host(location: str, host: str) -> None:
    assert host_of(location) == host


async def test_a_chat_with_gemini_is_googles(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(ANSWER)
    body = await post(gateway, "/v1/chat/completions", {"model": "vx/gemini-2.5-flash", **HI})
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
    request = upstream.requests[-1]
    assert request.path == f"{OWN}/google/models/gemini-2.5-flash:generateContent"
    assert request.headers["authorization"] == "Bearer token-of-gateway-1"


async def test_a_stream_of_gemini_comes_as_events(front: Front) -> None:
    gateway, upstream = front
    upstream.stream([sse.encode(ANSWER)])
    request = {"model": "vx/gemini-2.5-flash", **HI, "stream": True}
    assert "Hello" in await post(gateway, "/v1/chat/completions", request)
    path = f"{OWN}/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    assert upstream.requests[-1].path == path


async def test_a_chat_with_claude_is_anthropics(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(CLAUDE)
    body = await post(gateway, "/v1/chat/completions", {"model": "vx/claude-sonnet-4@1", **HI})
    assert json.loads(body)["choices"][0]["message"]["content"] == "Hello"
    request = upstream.requests[-1]
    assert request.path == f"{OWN}/anthropic/models/claude-sonnet-4@1:rawPredict"
    sent = json.loads(request.body)
    assert (sent["anthropic_version"], "model" in sent) == ("vertex-2023-10-16", False)
    assert sent["max_tokens"] > 0


async def test_a_stream_of_claude_has_a_path_of_its_own(front: Front) -> None:
    gateway, upstream = front
    message = {**json.loads(CLAUDE), "content": [], "stop_reason": None}
    text = {"type": "text_delta", "text": "Hello"}
    block = {
        "type": "content_block_start",
        "index": 0,
        "content_block": {"type": "text", "text": ""},
    }
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        block,
        {"type": "content_block_delta", "index": 0, "delta": text},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    upstream.stream([sse.encode(json.dumps(e).encode(), e["type"]) for e in events])
    request = {"model": "vx/claude-sonnet-4", **HI, "stream": True}
    assert "Hello" in await post(gateway, "/v1/chat/completions", request)
    path = f"{OWN}/anthropic/models/claude-sonnet-4:streamRawPredict"
    assert upstream.requests[-1].path == path
    assert json.loads(upstream.requests[-1].body)["stream"] is True


async def test_thoughts_of_another_vendor_are_left_out(front: Front) -> None:
    gateway, upstream = front
    thought = Reasoning("Hm.", signature="s", extensions={"mistral.chat": {}})
    proof = seal(thought) or ""
    wire = {"text": "Hm.", "thought": True, "thoughtSignature": b64encode(proof.encode()).decode()}
    turn = {"role": "model", "parts": [wire, {"text": "Hello"}]}
    upstream.reply(ANSWER)
    contents = [turn, {"role": "user", "parts": [{"text": "hi"}]}]
    path = "/gemini/v1beta/models/vx/gemini-2.5-flash:generateContent"
    await post(gateway, path, {"contents": contents})
    assert json.loads(upstream.requests[-1].body)["contents"][0]["parts"] == [{"text": "Hello"}]
    upstream.reply(CLAUDE)
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": proof},
        {"type": "text", "text": "Hello"},
    ]
    turns = [*HI["messages"], {"role": "assistant", "content": blocks}, *HI["messages"]]
    path = f"/vertex{OWN}/anthropic/models/vx/claude-sonnet-4:rawPredict"
    await post(gateway, path, {"max_tokens": 9, "messages": turns})
    assert json.loads(upstream.requests[-1].body)["messages"][1]["content"] == blocks[1:]


@pytest.mark.parametrize(
    ("path", "answer", "sent"),
    [
        ("/anthropic/v1/messages", CLAUDE, "context-1m-2025-08-07,tool-search-tool-2025-10-19"),
        ("/anthropic/v1/messages/count_tokens", b'{"input_tokens": 1}', None),
        (f"/vertex{OWN}/anthropic/models/vx/claude-sonnet-4:rawPredict", CLAUDE, BETAS),
    ],
)
async def test_betas_that_vertex_knows_are_sent_to_it(
    front: Front, path: str, answer: bytes, sent: str | None
) -> None:
    gateway, upstream = front
    upstream.reply(answer)
    tree = {"model": "vx/claude-sonnet-4", "max_tokens": 9, **HI}
    await gateway.post(path, json=tree, headers={"anthropic-beta": BETAS})
    assert upstream.requests[-1].headers.get("anthropic-beta") == sent


@pytest.mark.parametrize("query", ["", "?alt=sse"])
async def test_a_client_of_gemini_streams_from_vertex(front: Front, query: str) -> None:
    gateway, upstream = front
    body = sse.encode(ANSWER) if query else b"[" + ANSWER + b"]"
    upstream.stream([body], content_type="text/event-stream" if query else "application/json")
    path = f"/gemini/v1beta/models/vx/gemini-2.5-flash:streamGenerateContent{query}"
    tree = {"contents": [{"parts": [{"text": "hi"}]}]}
    assert await post(gateway, path, tree) == body.decode()
    wanted = f"{OWN}/google/models/gemini-2.5-flash:streamGenerateContent{query}"
    assert upstream.requests[-1].path == wanted


async def test_a_client_of_vertex_is_answered_by_gemini(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(ANSWER)
    path = "/vertex/v1/projects/p/locations/l/publishers/gm/models/gemini-2.5-flash:generateContent"
    await post(gateway, path, {"contents": [{"parts": [{"text": "hi"}]}]})
    assert upstream.requests[-1].path == "/v1beta/models/gemini-2.5-flash:generateContent"


@pytest.mark.parametrize(
    ("model", "method", "answer"),
    [
        ("text-embedding-005", "predict", {"predictions": [{"embeddings": {"values": [1.0]}}]}),
        ("gemini-embedding-2", "batchEmbedContents", {"embeddings": [{"values": [1.0]}]}),
    ],
)
async def test_texts_are_embedded_as_the_model_wants_it(
    front: Front, model: str, method: str, answer: Any
) -> None:
    gateway, upstream = front
    upstream.reply(json.dumps(answer).encode())
    body = await post(gateway, "/v1/embeddings", {"model": f"vx/{model}", "input": "hi"})
    assert json.loads(body)["data"][0]["embedding"] == [1.0]
    assert upstream.requests[-1].path == f"{OWN}/google/models/{model}:{method}"


async def test_a_prediction_of_another_kind_passes_as_it_is(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"predictions": [{"bytesBase64Encoded": "aa"}]}')
    path = "/vertex/v1/projects/p/locations/l/publishers/vx/models/imagen-4:predict"
    await post(gateway, path, {"instances": [{"prompt": "a cat"}]})
    assert upstream.requests[-1].path == f"{OWN}/google/models/imagen-4:predict"


async def test_everything_else_reaches_the_providers_own_project(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"name": "x"}')
    path = "/vertex/v1beta1/projects/p/locations/l/cachedContents"
    model = "projects/p/locations/l/publishers/google/models/gemini-2.5-flash"
    await post(gateway, path, {"model": model})
    own = "/v1beta1/projects/ours/locations/us-east5/cachedContents"
    assert upstream.requests[-1].path == own


@pytest.mark.parametrize("publisher", ["google", "vx"])
async def test_a_body_names_the_providers_own_project(front: Front, publisher: str) -> None:
    gateway, upstream = front
    upstream.reply(b'{"name": "x"}')
    path = "/vertex/v1beta1/projects/p/locations/l/cachedContents"
    model = f"projects/p/locations/l/publishers/{publisher}/models/gemini-2.5-flash"
    await post(gateway, path, {"model": model, "displayName": model})
    sent = json.loads(upstream.requests[-1].body)
    assert "/v1/" + sent["model"] == f"{OWN}/google/models/gemini-2.5-flash"
    assert sent["displayName"] == model


async def test_an_open_model_is_called_in_openais_form(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(CHAT)
    path = "/vertex/v1/publishers/vx/models/meta/llama-4-scout:generateContent"
    answer = json.loads(await post(gateway, path, {"contents": [{"parts": [{"text": "hi"}]}]}))
    assert answer["candidates"][0]["content"] == PART["content"]
    assert json.loads(upstream.requests[-1].body)["model"] == "meta/llama-4-scout"
    place = "/v1/projects/ours/locations/us-east5/endpoints/openapi/chat/completions"
    assert upstream.requests[-1].path == place


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1", "/vertex/v1/projects/p/locations/l/endpoints/openapi"])
async def test_clients_of_openai_reach_open_models(front: Front, path: str, stream: bool) -> None:
    gateway, upstream = front
    chunk = json.loads(CHAT) | {"object": "chat.completion.chunk"}
    chunk["choices"][0]["delta"] = chunk["choices"][0].pop("message")
    events = [sse.encode(json.dumps(chunk).encode()), b"data: [DONE]\n\n"]
    if stream:
        upstream.stream(events)
    else:
        upstream.reply(CHAT)
    tree = {"model": "vx/mistralai/mistral-small", "stream": stream, **HI}
    assert "Hello" in await post(gateway, f"{path}/chat/completions", tree)
    assert json.loads(upstream.requests[-1].body) == {**tree, "model": "mistralai/mistral-small"}
    assert upstream.requests[-1].path.endswith("/us-east5/endpoints/openapi/chat/completions")


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/vertex/v1/publishers/vx/models/endpoints/12:generateContent"]
)
async def test_a_tuned_model_is_at_its_endpoint(front: Front, path: str) -> None:
    gateway, upstream = front
    upstream.reply(ANSWER)
    await post(gateway, path, {"model": "vx/endpoints/12", **HI, "contents": []})
    place = "/v1/projects/ours/locations/us-east5/endpoints/12:generateContent"
    assert upstream.requests[-1].path == place


async def test_the_client_of_openai_for_vertex_reaches_other_models_too(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(ANSWER)
    path = "/vertex/v1beta1/projects/p/locations/l/endpoints/openapi/chat/completions"
    answer = json.loads(await post(gateway, path, {"model": "gm/gemini-2.5-flash", **HI}))
    assert answer["choices"][0]["message"]["content"] == "Hello"
    assert upstream.requests[-1].path == "/v1beta/models/gemini-2.5-flash:generateContent"


async def test_the_models_are_listed_in_googles_form(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"publisherModels": [{"name": "publishers/google/models/gemini-2.5-flash"}]}')
    upstream.reply(b'{"models": []}')
    answer = await gateway.get("/vertex/v1beta1/publishers/google/models")
    listed = [model["name"] for model in (await answer.json())["publisherModels"]]
    assert any(name.startswith("publishers/google/models/") for name in listed)


def test_a_count_names_all_of_the_request_beside_the_contents() -> None:
    tree = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "systemInstruction": {"parts": [{"text": "s"}]},
    }
    request = GOOGLE_COUNT.parse_request(tree, {"model": "m"})
    assert json.loads(GOOGLE_COUNT.render_request(request).body) == tree


@pytest.mark.parametrize(
    ("tree", "param"),
    [
        ({}, "instances"),
        ({"instances": [{"prompt": "x"}]}, "instances[0].content"),
        ({"instances": [{"content": "x", "task_type": 1}]}, "instances[0].task_type"),
        (
            {"instances": [{"content": "x"}], "parameters": {"outputDimensionality": "1"}},
            "parameters.outputDimensionality",
        ),
    ],
)
def test_what_cannot_be_embedded_is_refused_by_name(tree: Any, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        EMBEDDINGS.parse_request(tree, {"model": "m"})
    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": {}}', b'{"predictions": 1}'])
def test_what_is_no_prediction_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="the answer"):
        EMBEDDINGS.parse_response(body)
