"""Speech, transcription and moderation by Mistral, requested at OpenAI's endpoints."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

Front = tuple[GatewayClient, FakeUpstream]
AUDIO, MODERATIONS = "/v1/audio/", "/v1/moderations"
FORM = {"content-type": "multipart/form-data; boundary=x"}


def form(**fields: str) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="'
    named = (f'{key}"\r\n\r\n{value}\r\n'.encode() for key, value in fields.items())
    file = b'file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\r\n--x--\r\n'
    return head + head.join([*named, file])


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with FakeUpstream() as upstream:
        toml = f"""
[upstream]
retries = 0
[providers.up]
use = "mistral"
base_url = "{upstream.base_url}"
"""
        async with run_gateway(toml) as gateway:
            yield gateway, upstream


async def test_a_transcription_passes_in_both_directions(front: Front) -> None:
    gateway, upstream = front
    text = b'{"model":"m","text":"Ruby","language":null,"segments":[]}'
    upstream.reply(text)
    body = form(model="up/m", response_format="json")
    answer = await gateway.post(AUDIO + "transcriptions", body=body, headers=FORM)
    assert await answer.read() == text
    (sent,) = upstream.requests
    assert (sent.path, sent.body) == ("/v1/audio/transcriptions", body.replace(b"up/m", b"m"))


@pytest.mark.parametrize(("kind", "media"), [({}, "mpeg"), ({"response_format": "wav"}, "wav")])
async def test_speech_is_sound(front: Front, kind: dict[str, str], media: str) -> None:
    gateway, upstream = front
    upstream.reply(json.dumps({"audio_data": base64.b64encode(b"ID3").decode()}).encode())
    wanted = {"input": "Hi", "voice": "v", **kind}
    answer = await gateway.post(AUDIO + "speech", json={"model": "up/m", **wanted})
    assert (await answer.read(), answer.headers["content-type"]) == (b"ID3", f"audio/{media}")
    assert json.loads(upstream.requests[0].body) == {"model": "m", **wanted}


async def test_speech_that_cannot_be_read_is_an_error(front: Front) -> None:
    gateway, upstream = front
    upstream.reply(b'{"audio_data":"="}')
    answer = await gateway.post(AUDIO + "speech", json={"model": "up/m", "input": "Hi"})
    assert answer.status == 502


async def test_a_moderation_reports_whether_a_text_is_flagged(front: Front) -> None:
    gateway, upstream = front
    results = [
        {"categories": {"pii": hit}, "category_scores": {"pii": 0.5}} for hit in (True, False)
    ]
    upstream.reply(json.dumps({"id": "1", "model": "m", "results": results}).encode())
    answer = await gateway.post(MODERATIONS, json={"model": "up/m", "input": ["a", "b"]})
    found = (await answer.json())["results"]
    assert found == [
        {**one, "flagged": hit} for one, hit in zip(results, (True, False), strict=True)
    ]
    assert upstream.requests[0].path == MODERATIONS


REFUSED: dict[str, tuple[str, Any]] = {
    "subtitles": (AUDIO + "transcriptions", form(model="up/m", response_format="srt")),
    "a stream": (AUDIO + "transcriptions", form(model="up/m", stream="true")),
    "a translation": (AUDIO + "translations", form(model="up/m")),
    "speech as AAC": (AUDIO + "speech", {"model": "up/m", "response_format": "aac"}),
    "events of speech": (AUDIO + "speech", {"model": "up/m", "stream_format": "sse"}),
    "an image": (MODERATIONS, {"model": "up/m", "input": [{"type": "image_url"}]}),
    "a drawing": ("/v1/images/generations", {"model": "up/m", "prompt": "a"}),
}


@pytest.mark.parametrize("wish", REFUSED)
async def test_what_mistral_does_not_have_is_refused_before_anything_is_sent(
    front: Front, wish: str
) -> None:
    gateway, upstream = front
    path, wanted = REFUSED[wish]
    raw = isinstance(wanted, bytes)
    sent: Any = {"body": wanted, "headers": FORM} if raw else {"json": wanted}
    answer = await gateway.post(path, **sent)
    assert answer.status == 400
    assert upstream.requests == []
