"""Recorded speech, transcriptions, translations and images through the gateway, byte for byte."""

import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator

import pytest
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway
from jackfield_openai.presets import presets

OPERATIONS = ("audio_speech", "audio_transcription", "audio_translation", "images", "images_edit")
# Not OpenAI's paths, but requested below /v1 they are passed on like any other.
OTHERS = {"deepgram"}
RECORDED = [
    exchange
    for operation in OPERATIONS
    for exchange in exchanges(operation=operation)
    if exchange.provider not in OTHERS and exchange.dialect != "gemini"
]
MODEL = re.compile(rb'(name="model"\r\n\r\n|"model": ")([^"\r]+)')
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    b"\x00\xff\r\n--b--\r\n"
)


def request_of(exchange: Exchange) -> tuple[bytes, str]:
    """The recorded body and its media type; a form that was not kept is made up."""
    headers = exchange.request["headers"]
    body = exchange.request["body"]
    if exchange.request["body_kind"] == "json":
        return json.dumps(body).encode(), "application/json"
    data = b64decode(body["base64"])
    if data.startswith(b"[multipart"):
        return FORM, "multipart/form-data; boundary=b"
    return data, headers["content-type"]


def answer_of(exchange: Exchange) -> bytes:
    body = exchange.response["body"]
    if exchange.response["body_kind"] == "binary":
        return b64decode(body["base64"])
    return exchange.body


def path_of(exchange: Exchange) -> str:
    return "/v1/" + str(exchange.request["path"]).partition("/v")[2].partition("/")[2]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


def toml(upstream: FakeUpstream) -> str:
    names = sorted({exchange.provider for exchange in RECORDED} | {"groq"})
    return "\n".join(
        f'[providers.{name}]\nuse = "openai"\nbase_url = "{upstream.base_url}/v1"' for name in names
    )


async def replay(
    gateway: GatewayClient, upstream: FakeUpstream, exchange: Exchange, provider: str
) -> list[str]:
    """Have one recorded exchange through a provider; what is not as recorded."""
    body, media = request_of(exchange)
    named = MODEL.sub(rb"\1" + provider.encode() + rb"/\2", body, count=1)
    kind = exchange.response["headers"].get("content-type", "application/json")
    upstream.reply(answer_of(exchange), exchange.status, {"Content-Type": kind})
    headers = {"content-type": media, "x-jackfield-provider": provider}
    answer = await gateway.post(path_of(exchange), body=named, headers=headers)
    data, got = await answer.read(), upstream.requests[-1]
    expected = {"status": exchange.status, "path": path_of(exchange), "request": body}
    found = {"status": answer.status, "path": got.path, "request": got.body}
    if exchange.status == 200:
        expected["answer"], found["answer"] = answer_of(exchange), data
    return [f"{exchange.id} by {provider}: {k}" for k in expected if expected[k] != found[k]]


@needs_corpus
async def test_recorded_media_pass_byte_for_byte(upstream: FakeUpstream) -> None:
    wrong: list[str] = []
    async with run_gateway(toml(upstream)) as gateway:
        for exchange in RECORDED:
            for provider in {exchange.provider, "groq"}:
                wrong += await replay(gateway, upstream, exchange, provider)
    assert RECORDED
    assert wrong == []


@needs_corpus
def test_every_recorded_api_that_is_openais_is_among_them() -> None:
    found = {exchange.provider for exchange in RECORDED}
    assert {"openai", "openrouter", "mistral", "xai"} <= found
    assert found - {"mistral", "cohere", "gemini"} <= set(presets())
