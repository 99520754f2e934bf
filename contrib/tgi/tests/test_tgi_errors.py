"""Errors, out of a server's words and into them."""

import json

import pytest

from jackfield import (
    Forbidden,
    GatewayError,
    InvalidRequest,
    ProviderError,
    RateLimited,
    Unauthenticated,
)
from jackfield.dialects import UpstreamFailure
from jackfield.errors import Overloaded, StreamTruncated
from jackfield.testing import FakeUpstream, run_gateway
from jackfield_tgi import GENERATE

BAD = b'{"error":"Input validation error: `top_p` must be positive","error_type":"validation"}'


def config(server: FakeUpstream) -> str:
    return f'[upstream]\nretries = 0\n[providers.tgi]\nbase_url = "{server.base_url}"'


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("No."), "validation"),
        (RateLimited("No."), "overloaded"),
        (Overloaded("No."), "overloaded"),
        (StreamTruncated("No."), "incomplete_generation"),
        (ProviderError("No.", upstream_status=424), "generation"),
        (ProviderError("No.", upstream_status=400, error_type="invalid_request"), "validation"),
        (ProviderError("No.", upstream_status=500, error_type="overloaded"), "overloaded"),
        (ProviderError("No.", upstream_status=529), "generation"),
        (Unauthenticated("No."), Unauthenticated.code),
        (Forbidden("No."), Forbidden.code),
    ],
)
def test_an_error_has_a_type_that_clients_know(error: GatewayError, kind: str) -> None:
    assert json.loads(GENERATE.render_error(error, "req")) == {"error": "No.", "error_type": kind}
    assert GENERATE.terminal(GENERATE.render_error_event(error, "req")) == "error"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":"Model is overloaded","error_type":"overloaded"}', "Model is overloaded"),
        (b'{"error":["`inputs` is missing","and more"]}', "`inputs` is missing; and more"),
        (b'{"error":1,"error_type":2}', "The server answered with status 503."),
        (b"<html>", "The server answered with status 503."),
        (b"[]", "The server answered with status 503."),
        (b"", "The server answered with status 503."),
        (b'{"error":' + b"[" * 100_000, "The server answered with status 503."),
    ],
)
def test_what_a_server_says_of_its_failure_is_read(body: bytes, expected: str) -> None:
    assert GENERATE.parse_error(503, body).message == expected


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "empty"),
        (b"{}", "generated_text"),
        (b"what", "malformed"),
        (b'{"x":' + b"[" * 1_000_000, "nested"),
    ],
)
def test_what_is_no_answer_is_refused(body: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        GENERATE.usage(body)
    assert GENERATE.terminal(b"data: " + body + b"\n\n") is None


def test_the_type_of_a_failure_is_read() -> None:
    assert GENERATE.parse_error(429, BAD) == UpstreamFailure(
        "Input validation error: `top_p` must be positive", "validation"
    )


async def test_an_error_of_a_server_reaches_every_client() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        server.reply(BAD, status=422, headers={"content-type": "application/json"})
        body = {"model": "tgi/gemma", "messages": [{"role": "user", "content": "Hello"}]}
        answer = await client.post("/v1/chat/completions", json=body)
        assert answer.status == 422
        assert "must be positive" in (await answer.json())["error"]["message"]


async def test_an_error_of_a_server_passes_to_its_own_clients() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        for path in ("/tgi", "/tgi/generate", "/tgi/generate_stream"):
            server.reply(BAD, status=422, headers={"content-type": "application/json"})
            answer = await client.post(path, json={"inputs": "Hello"})
            assert (answer.status, await answer.read()) == (422, BAD)


async def test_an_error_behind_a_successful_status_reaches_every_client() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        body = {"inputs": "Hello", "model": "tgi/m", "messages": [{"role": "user", "content": "A"}]}
        for path in ("/tgi", "/tgi/generate", "/v1/chat/completions"):
            server.reply(BAD, headers={"content-type": "application/json"})
            answer = await client.post(path, json=body)
            assert answer.status == 502
            assert b"must be positive" in await answer.read()


async def test_an_error_in_a_stream_reaches_every_client() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        server.stream(
            [
                b'data:{"index":1,"token":{"id":1,"text":"A","logprob":0,"special":false}}\n\n',
                b'data:{"error":"Out of memory","error_type":"generation"}\n\n',
            ]
        )
        body = {"model": "tgi/m", "messages": [{"role": "user", "content": "A"}], "stream": True}
        answer = await client.post("/v1/chat/completions", json=body)
        assert b"Out of memory" in await answer.read()
        assert client.settled[-1].outcome.kind != "answered"


async def test_an_answer_without_a_text_is_an_error() -> None:
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        for path in ("/tgi", "/tgi/generate"):
            server.reply(b'{"answer": "Hi"}', headers={"content-type": "application/json"})
            answer = await client.post(path, json={"inputs": "Hello"})
            assert answer.status == 502
            assert (await answer.json())["error_type"] == "generation"


async def test_a_missing_model_is_reported_in_the_client_s_dialect() -> None:
    toml = """
    [providers.tgi]
    model = "gemma"
    [providers.second]
    use = "tgi"
    model = "llama"
    """
    async with run_gateway(toml) as client:
        answer = await client.post("/tgi/models/other/generate", json={"inputs": "Hello"})
        assert answer.status == 404
        assert set(await answer.json()) == {"error", "error_type"}


async def test_a_question_that_would_be_another_is_refused() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    body = {"model": "tgi/gemma", "messages": [{"role": "user", "content": [image]}]}
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        answer = await client.post("/v1/chat/completions", json=body)
        assert answer.status == 400
        assert "images" in (await answer.json())["error"]["message"]
        assert server.requests == []


async def test_a_loss_is_named_in_the_header() -> None:
    body = {"model": "tgi/gemma", "messages": [{"role": "user", "content": "Hello"}], "n": 2}
    async with FakeUpstream() as server, run_gateway(config(server)) as client:
        server.reply(b'{"generated_text":"Hi"}', headers={"content-type": "application/json"})
        answer = await client.post("/v1/chat/completions", json=body)
        assert answer.headers["x-jackfield-loss"] == "n"
