"""Speech, transcription and images by Google, requested with OpenAI's SDK."""

import base64
import io
import json
import wave
from collections.abc import AsyncIterator, Mapping
from typing import Any

import openai
import pytest
from tests.corpus import by_id, needs_corpus

from jackfield.bounds import sizes_of
from jackfield.capabilities import Capabilities
from jackfield.testing import FakeUpstream, GatewayClient, run_gateway

Front = tuple[openai.AsyncOpenAI, FakeUpstream, GatewayClient]
PNG = b"\x89PNG\r\n\x1a\n"
WAV = b"RIFF\0\0\0\0WAVEfmt "
USED = {
    "promptTokenCount": 9,
    "candidatesTokenCount": 20,
    "totalTokenCount": 29,
    "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 7}],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 18}],
}


def made(*parts: Mapping[str, Any], finish: str = "STOP") -> bytes:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": finish}
    return json.dumps({"candidates": [candidate], "usageMetadata": USED}).encode()


def media(data: bytes, kind: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": kind, "data": base64.b64encode(data).decode()}}


SOUND = media(b"\1\0" * 1200, "audio/L16;codec=pcm;rate=24000")


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
"""
        async with run_gateway(toml) as gateway, gateway.serve() as url:
            options: Any = {"base_url": f"{url}/v1", "api_key": "client-key", "max_retries": 0}
            async with openai.AsyncOpenAI(**options) as client:
                yield client, upstream, gateway


def sent(upstream: FakeUpstream) -> tuple[str, Any]:
    (request,) = upstream.requests
    assert request.headers["x-goog-api-key"] == "upstream-key-7"
    assert request.headers["content-type"] == "application/json"
    return request.path, json.loads(request.body)


async def test_speech_is_a_wav_file(front: Front) -> None:
    client, upstream, gateway = front
    upstream.reply(made(SOUND))
    raw = await client.audio.speech.with_raw_response.create(
        model="gm/gemini-2.5-flash-preview-tts", input="Hello", voice="alloy"
    )
    path, tree = sent(upstream)
    assert path == "/v1beta/models/gemini-2.5-flash-preview-tts:generateContent"
    assert tree["contents"][0]["parts"] == [{"text": "Hello"}]
    config = tree["generationConfig"]
    assert config["responseModalities"] == ["AUDIO"]
    voice = config["speechConfig"]["voiceConfig"]["prebuiltVoiceConfig"]
    assert voice == {"voiceName": "Kore"}
    assert raw.headers["content-type"] == "audio/wav"
    assert raw.headers["x-jackfield-loss"] == "audio.response_format, audio.voice"
    with wave.open(io.BytesIO(raw.content)) as file:
        assert (file.getframerate(), file.getnframes(), file.getnchannels()) == (24_000, 1200, 1)
    assert gateway.settled[0].outcome.usage is not None
    assert gateway.settled[0].outcome.usage.output_tokens == 20


async def test_speech_may_be_bare_samples_in_a_voice_of_googles(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(made(SOUND, SOUND))
    raw = await client.audio.speech.with_raw_response.create(
        model="gm/tts", input="Hello", voice="Puck", response_format="pcm", instructions="Whisper"
    )
    _, tree = sent(upstream)
    assert tree["contents"][0]["parts"] == [{"text": "Whisper:\nHello"}]
    assert raw.headers["x-jackfield-loss"] == "audio.instructions"
    assert (raw.headers["content-type"], raw.content) == ("audio/pcm", b"\1\0" * 2400)


async def test_a_transcription_is_the_text_of_the_answer(front: Front) -> None:
    client, upstream, gateway = front
    upstream.reply(
        made({"text": "thinking", "thought": True}, {"text": " Ruby is"}, {"text": " fun.\n"})
    )
    transcription = await client.audio.transcriptions.create(
        model="gm/gemini-2.5-flash", file=("a.wav", WAV), language="en", temperature=0.5
    )
    assert transcription.text == "Ruby is fun."
    assert transcription.usage is not None
    assert transcription.usage.type == "tokens"
    assert (transcription.usage.input_tokens, transcription.usage.output_tokens) == (9, 20)
    path, tree = sent(upstream)
    text, audio = tree["contents"][0]["parts"]
    assert path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert text["text"].startswith("Transcribe the provided audio")
    assert audio == media(WAV, "audio/wav")
    assert tree["generationConfig"] == {"temperature": 0.5}
    used = gateway.settled[0].outcome.usage
    assert used is not None
    assert (used.input_tokens, used.audio_input_tokens, used.output_tokens) == (9, 7, 20)


async def test_a_transcription_may_be_bare_text_and_a_translation_is_english(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(made({"text": "Hello"}), headers={"Content-Type": "application/json"})
    with pytest.deprecated_call():
        translation: Any = await client.audio.translations.create(
            model="gm/gemini-2.5-flash", file=("a.ogg", b"OggS\0"), response_format="text"
        )
    assert translation == "Hello\n"
    text, audio = sent(upstream)[1]["contents"][0]["parts"]
    assert "into English" in text["text"]
    assert audio["inlineData"]["mimeType"] == "audio/ogg"


async def test_an_image_is_base64_with_its_usage(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(made({"text": "Here it is"}, media(PNG, "image/png")))
    images = await client.images.generate(
        model="gm/gemini-2.5-flash-image", prompt="An axolotl", size="1536x1024"
    )
    assert images.data is not None
    assert base64.b64decode(images.data[0].b64_json or "") == PNG
    assert (images.output_format, images.usage and images.usage.total_tokens) == ("png", 29)
    _, tree = sent(upstream)
    assert tree["generationConfig"]["imageConfig"] == {"aspectRatio": "3:2"}
    assert tree["contents"][0]["parts"] == [{"text": "An axolotl"}]


async def test_images_are_changed_as_forms_and_as_json(front: Front) -> None:
    client, upstream, _ = front
    for _ in range(2):
        upstream.reply(made(media(PNG, "image/png")))
    await client.images.edit(model="gm/gemini-image", prompt="Green", image=[PNG, PNG])
    data = "data:image/png;base64," + base64.b64encode(PNG).decode()
    shown: Any = {"model": "gm/gemini-image", "prompt": "Green", "images": [{"image_url": data}]}
    await client.post("/images/edits", body=shown, cast_to=object)
    bodies = [json.loads(one.body)["contents"][0]["parts"] for one in upstream.requests]
    image = media(PNG, "image/png")
    assert bodies == [[{"text": "Green"}, image, image], [{"text": "Green"}, image]]


async def test_imagen_makes_several_images_that_are_billed_each(front: Front) -> None:
    client, upstream, gateway = front
    image = {"bytesBase64Encoded": base64.b64encode(PNG).decode(), "mimeType": "image/png"}
    upstream.reply(json.dumps({"predictions": [image, image]}).encode())
    images = await client.images.generate(model="gm/imagen-3.0-generate-001", prompt="Sea", n=2)
    assert len(images.data or ()) == 2
    path, tree = sent(upstream)
    assert path == "/v1beta/models/imagen-3.0-generate-001:predict"
    assert tree == {"instances": [{"prompt": "Sea"}], "parameters": {"sampleCount": 2}}
    assert gateway.settled[0].outcome.usage is None  # the request says how many


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [("n", "4", 4), ("n", "04", 4), ("n[]", "4", 1), ("n", "0_4", 0), ("n", "4.0", 0)],
)
async def test_no_more_images_are_made_than_a_budget_counts(
    front: Front, name: str, count: str, expected: int
) -> None:
    _, upstream, gateway = front
    upstream.reply(b'{"predictions":[{"bytesBase64Encoded":"AAAA","mimeType":"image/png"}]}')
    part = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'.format
    body = part("model", "gm/imagen") + part("prompt", "Sea") + part(name, count) + "--x--\r\n"
    headers = {"content-type": "multipart/form-data; boundary=x"}
    await gateway.post("/v1/images/generations", body=body.encode(), headers=headers)
    asked = [json.loads(request.body)["parameters"]["sampleCount"] for request in upstream.requests]
    assert asked == [expected] * bool(expected)
    if expected:
        sizes = sizes_of(gateway.settled[0].exchange, ["gemini"], Capabilities())
        assert sizes.units["image"] == expected


async def test_what_google_blocks_is_a_refusal_of_openais(front: Front) -> None:
    client, upstream, gateway = front
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": USED}
    upstream.reply(json.dumps(blocked).encode())
    with pytest.raises(openai.BadRequestError, match="PROHIBITED_CONTENT") as refused:
        await client.images.generate(model="gm/gemini-image", prompt="x")
    assert refused.value.code == "content_policy_violation"
    upstream.reply(made(finish="STOP"))
    with pytest.raises(openai.APIStatusError, match="made nothing"):
        await client.images.generate(model="gm/gemini-image", prompt="x")
    assert all(one.outcome.usage is not None for one in gateway.settled)


async def test_googles_error_is_one_of_openais(front: Front) -> None:
    client, upstream, _ = front
    error = {"code": 400, "message": "Voice name Nobody is not known", "status": "INVALID_ARGUMENT"}
    upstream.reply(json.dumps({"error": error}).encode(), 400)
    with pytest.raises(openai.BadRequestError, match="Voice name Nobody"):
        await client.audio.speech.create(model="gm/tts", input="x", voice="Nobody")


@pytest.mark.parametrize("rate", ["24000", "0000"])
async def test_sound_that_cannot_be_read_is_the_providers_failure(front: Front, rate: str) -> None:
    client, upstream, _ = front
    sound = {"mimeType": f"audio/L16;rate={rate}", "data": "\u00e9"}
    upstream.reply(made({"inlineData": sound}))
    with pytest.raises(openai.InternalServerError) as raised:
        await client.audio.speech.create(model="gm/tts", input="Hello", voice="Puck")
    assert raised.value.status_code == 502


async def test_sound_with_a_rate_of_zero_is_taken_to_have_the_usual_one(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(made(media(b"\1\0" * 10, "audio/L16;rate=00000")))
    sound = await client.audio.speech.create(model="gm/tts", input="Hello", voice="Puck")
    with wave.open(io.BytesIO(sound.content)) as file:
        assert file.getframerate() == 24_000


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "MP3": ("audio/speech", {"input": "x", "voice": "v", "response_format": "mp3"}),
    "events of speech": ("audio/speech", {"input": "x", "voice": "v", "stream_format": "sse"}),
    "a voice that is no name": ("audio/speech", {"input": "x", "voice": {"id": "v"}}),
    "nothing to say": ("audio/speech", {"voice": "v"}),
    "a transcription of JSON": ("audio/transcriptions", {"file": "x"}),
    "several images": ("images/generations", {"prompt": "x", "n": 2}),
    "a URL": ("images/generations", {"prompt": "x", "response_format": "url"}),
    "an odd size": ("images/generations", {"prompt": "x", "size": "large"}),
    "an image by URL": ("images/edits", {"prompt": "x", "images": [{"image_url": "https://a/b"}]}),
    "an image that is not base64": (
        "images/edits",
        {"prompt": "x", "images": [{"image_url": "data:image/png;base64,\u00e9"}]},
    ),
    "half an image": ("images/generations", {"model": "gm/imagen", "prompt": "x", "n": 1.5}),
    "a number in a string": ("images/generations", {"model": "gm/imagen", "prompt": "x", "n": "4"}),
    "no integer": ("images/generations", {"model": "gm/imagen", "prompt": "x", "n": 4.0}),
    "no image": ("images/generations", {"model": "gm/imagen", "prompt": "x", "n": 0}),
    "a variation": ("images/variations", {"image": "x"}),
    "a stream": ("images/generations", {"prompt": "x", "stream": True}),
}


@pytest.mark.parametrize("wish", REFUSED)
async def test_what_google_cannot_do_is_refused_before_anything_is_sent(
    front: Front, wish: str
) -> None:
    client, upstream, _ = front
    path, wanted = REFUSED[wish]
    with pytest.raises(openai.BadRequestError):
        await client.post(f"/{path}", body={"model": "gm/m", **wanted}, cast_to=object)
    assert upstream.requests == []


async def test_a_file_of_an_unknown_kind_is_refused(front: Front) -> None:
    client, upstream, _ = front
    with pytest.raises(openai.BadRequestError, match="not audio"):
        await client.audio.transcriptions.create(model="gm/m", file=("a.wav", b"MZ\x90\0"))
    assert upstream.requests == []


async def test_what_is_left_out_is_named(front: Front) -> None:
    client, upstream, _ = front
    upstream.reply(made(media(PNG, "image/png")))
    raw = await client.images.with_raw_response.generate(
        model="gm/gemini-image", prompt="x", quality="high", background="transparent", user="u"
    )
    assert raw.headers["x-jackfield-loss"] == "images.background, images.quality"


@needs_corpus
async def test_a_recorded_transcription_and_a_recorded_image_are_read(front: Front) -> None:
    client, upstream, _ = front
    transcription, image_answer = (
        by_id("vertex-generate-content-4dbc0ac45d"),
        by_id("vertex-generate-content-37de1d7b70"),
    )
    upstream.reply(transcription.body)
    text = await client.audio.transcriptions.create(model="gm/m", file=("a.wav", WAV))
    assert text.text == transcription.expect["text"]
    assert text.usage is not None
    assert text.usage.type == "tokens"
    assert (text.usage.input_tokens, text.usage.total_tokens) == (113, 145)
    upstream.reply(image_answer.body)
    images = await client.images.generate(model="gm/m", prompt="An axolotl")
    assert images.data is not None
    assert base64.b64decode(images.data[0].b64_json or "")[:3] == b"\xff\xd8\xff"
    assert (images.output_format, images.usage and images.usage.output_tokens) == ("jpeg", 1290)
