"""Transcription by Cohere, asked for with OpenAI's SDK."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from tests.corpus import by_id, needs_corpus

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

Front = tuple[openai.AsyncOpenAI, FakeUpstream, GatewayClient]
WAV = b"RIFF\0\0\0\0WAVEfmt "
FORM = {"content-type": "multipart/form-data; boundary=x"}


def part(name: str, value: bytes) -> bytes:
    return b'--x\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (
        name.encode(),
        value,
    )


FILE = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n'
    b"Content-Type: audio/wav\r\n\r\n" + WAV + b"\r\n"
)


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with FakeUpstream() as upstream:
        toml = f"""
[upstream]
retries = 0
[providers.co]
use = "cohere"
base_url = "{upstream.base_url}"
"""
        async with run_gateway(toml) as gateway, gateway.serve() as url:
            options: Any = {"base_url": f"{url}/v1", "api_key": "client-key", "max_retries": 0}
            async with openai.AsyncOpenAI(**options) as client:
                yield client, upstream, gateway


async def test_a_form_has_coheres_fields_with_the_file_last(front: Front) -> None:
    _, upstream, gateway = front
    upstream.reply(b'{"text":" Ruby"}')
    body = FILE + part("prompt", b"code") + part("language", b"en") + part("model", b"co/m")
    answer = await gateway.post("/v1/audio/transcriptions", body=body + b"--x--\r\n", headers=FORM)
    assert await answer.json() == {"text": " Ruby"}
    (request,) = upstream.requests
    assert request.path == "/v2/audio/transcriptions"
    assert request.body == part("model", b"m") + part("language", b"en") + FILE + b"--x--\r\n"
    assert answer.headers["x-jackfield-loss"] == "audio.prompt"


async def test_the_boundary_is_read_as_the_fields_are(front: Front) -> None:
    _, upstream, gateway = front
    upstream.reply(b'{"text":" Ruby"}')
    headers = {"content-type": FORM["content-type"].replace("boundary", "xboundary=y; boundary")}
    body = part("model", b"co/m") + part("language", b"en") + FILE + b"--x--\r\n"
    await gateway.post("/v1/audio/transcriptions", body=body, headers=headers)
    assert upstream.requests[0].body == body.replace(b"co/m", b"m")


async def test_openais_sdk_reads_a_transcription(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(b'{"text":"Ruby"}')
    heard = await client.audio.transcriptions.create(
        model="co/m", file=("a.wav", WAV), language="en", timestamp_granularities=["word"]
    )
    assert heard.text == "Ruby"
    upstream.reply(b'{"text":"Ruby"}')
    said: Any = await client.audio.transcriptions.create(
        model="co/m", file=("a.wav", WAV), language="en", response_format="text"
    )
    assert said == "Ruby\n"


async def test_a_bare_text_that_did_not_come_is_an_error(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(b'{"words":[]}')
    with pytest.raises(openai.InternalServerError):
        await client.audio.transcriptions.create(
            model="co/m", file=("a.wav", WAV), language="en", response_format="text"
        )


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({}, "language"),
        ({"language": "en", "response_format": "srt"}, "response_format"),
        ({"language": "en", "stream": True}, "stream"),
    ],
)
async def test_what_cohere_cannot_do_is_refused_before_anything_is_sent(
    front: Front, wanted: dict[str, Any], param: str
) -> None:
    client, upstream, _ = front
    with pytest.raises(openai.BadRequestError) as refused:
        await client.audio.transcriptions.create(model="co/m", file=("a.wav", WAV), **wanted)
    assert refused.value.param == param
    assert upstream.requests == []


@pytest.mark.parametrize("path", ["audio/speech", "images/generations", "moderations"])
async def test_nothing_else_is_sent_to_cohere(front: Front, path: str) -> None:
    client, upstream, _ = front
    with pytest.raises(openai.BadRequestError, match="does not serve"):
        await client.post(f"/{path}", body={"model": "co/m", "input": "x"}, cast_to=object)
    assert upstream.requests == []


@needs_corpus
async def test_a_recorded_form_passes_unchanged(front: Front) -> None:
    _, upstream, gateway = front
    recorded = by_id("cohere-audio-transcription-156983b1fe")
    upstream.reply(recorded.body)
    body = base64.b64decode(recorded.request["body"]["base64"])
    headers = {"content-type": recorded.request["headers"]["content-type"]}
    model = b"cohere-transcribe-03-2026"
    asked = body.replace(model, b"co/" + model)
    answer = await gateway.post("/v1/audio/transcriptions", body=asked, headers=headers)
    assert await answer.read() == recorded.body
    assert upstream.requests[0].body == body
