"""Speech and transcription by xAI, asked for with OpenAI's SDK."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from tests.corpus import by_id, needs_corpus

from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

Front = tuple[openai.AsyncOpenAI, FakeUpstream, GatewayClient]
WAV = b"RIFF\0\0\0\0WAVEfmt "
MP3 = {"Content-Type": "audio/mpeg"}


@pytest.fixture
async def front() -> AsyncIterator[Front]:
    async with FakeUpstream() as upstream:
        toml = f"""
[upstream]
retries = 0
[providers.grok]
use = "openai"
preset = "xai"
base_url = "{upstream.base_url}/v1"
keys = []
"""
        async with run_gateway(toml) as gateway, gateway.serve() as url:
            options: Any = {"base_url": f"{url}/v1", "api_key": "client-key", "max_retries": 0}
            async with openai.AsyncOpenAI(**options) as client:
                yield client, upstream, gateway


async def test_speech_is_asked_for_in_xais_members(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(b"\xff\xfb", headers=MP3)
    raw = await client.audio.speech.with_raw_response.create(
        model="grok/tts", input="Hello", voice="eve", response_format="wav", speed=1.5
    )
    (request,) = upstream.requests
    assert request.path == "/v1/tts"
    wav = {"codec": "wav"}
    said = {"text": "Hello", "language": "auto", "voice_id": "eve", "speed": 1.5}
    assert json.loads(request.body) == {**said, "output_format": wav}
    assert raw.content == b"\xff\xfb"
    assert "x-jackfield-loss" not in raw.headers


async def test_a_voice_of_openais_and_instructions_are_named_as_lost(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(b"\xff\xfb", headers=MP3)
    raw = await client.audio.speech.with_raw_response.create(
        model="grok/tts", input="Hello", voice="alloy", instructions="Whisper"
    )
    assert json.loads(upstream.requests[0].body) == {"text": "Hello", "language": "auto"}
    assert raw.headers["x-jackfield-loss"] == "audio.instructions, audio.voice"


@pytest.mark.parametrize("voice", [{"id": "v"}, ["alloy"]])
async def test_a_voice_that_is_no_string_is_left_for_xai_to_judge(front: Front, voice: Any) -> None:
    client, upstream, _ = front
    upstream.reply(b"\xff\xfb", headers=MP3)
    body = {"model": "grok/tts", "input": "x", "voice": voice}
    await client.post("/audio/speech", body=body, cast_to=object)
    assert json.loads(upstream.requests[0].body)["voice_id"] == voice


async def test_a_transcription_has_its_file_last_and_says_how_long_it_was(front: Front) -> None:
    client, upstream, gateway = front
    upstream.reply(b'{"text":"Ruby","language":"en","duration":3.7,"words":[]}')
    raw = await client.audio.transcriptions.with_raw_response.create(
        model="grok/grok-voice-transcribe-2.0", file=("a.wav", WAV), language="en", prompt="code"
    )
    assert raw.parse().text == "Ruby"
    assert raw.headers["x-jackfield-loss"] == "audio.prompt"
    (request,) = upstream.requests
    places = [request.body.find(b'name="%b"' % name) for name in (b"model", b"language", b"file")]
    assert places == sorted(places)
    assert b"prompt" not in request.body
    assert (request.path, b"grok-voice-transcribe-2.0" in request.body) == ("/v1/stt", True)
    used = gateway.settled[0].outcome.usage
    assert used is not None
    assert used.units == {"audio_ms": 3700}


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "AAC": ("audio/speech", {"input": "x", "voice": "v", "response_format": "aac"}),
    "events of speech": ("audio/speech", {"input": "x", "voice": "v", "stream_format": "sse"}),
    "a transcription of JSON": ("audio/transcriptions", {"file": "x"}),
    "a stream": ("audio/transcriptions", {"file": "x", "stream": True}),
}


@pytest.mark.parametrize("wish", REFUSED)
async def test_what_xai_cannot_do_is_refused_before_anything_is_sent(
    front: Front, wish: str
) -> None:
    client, upstream, _ = front
    path, wanted = REFUSED[wish]
    with pytest.raises(openai.BadRequestError):
        await client.post(f"/{path}", body={"model": "grok/m", **wanted}, cast_to=object)
    assert upstream.requests == []


async def test_subtitles_are_refused(front: Front) -> None:
    client, upstream, _ = front
    with pytest.raises(openai.BadRequestError, match="srt"):
        await client.audio.transcriptions.create(
            model="grok/m", file=("a.wav", WAV), response_format="srt"
        )
    assert upstream.requests == []


async def test_images_keep_the_path_that_both_have(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(b'{"data":[{"url":"https://x.ai/1"}],"usage":{"cost_in_usd_ticks":200000000}}')
    await client.images.generate(model="grok/grok-imagine-image", prompt="a siamese cat")
    assert upstream.requests[0].path == "/v1/images/generations"


@needs_corpus
async def test_recorded_requests_are_those_that_are_sent(front: Front) -> None:
    client, upstream, gateway = front
    speech = by_id("xai-audio-speech-d42db41fa1")
    sound = base64.b64decode(speech.response["body"]["base64"])
    upstream.reply(sound, headers=MP3)
    text = speech.request_tree["text"]
    said = await client.audio.speech.create(model="grok/tts", input=text, voice="alloy")
    assert said.content == sound
    assert json.loads(upstream.requests[0].body) == speech.request_tree
    heard = by_id("xai-audio-transcription-4e8b78935b")
    upstream.reply(heard.body)
    body = base64.b64decode(heard.request["body"]["base64"])
    mark = body[: body.find(b"\r\n")]
    model = mark + b'\r\nContent-Disposition: form-data; name="model"\r\n\r\ngrok/m\r\n'
    headers = {"content-type": heard.request["headers"]["content-type"]}
    await gateway.post("/v1/audio/transcriptions", body=model + body, headers=headers)
    assert upstream.requests[1].body == model.replace(b"grok/m", b"m") + body
