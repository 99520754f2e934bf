"""OpenAI's `audio/transcriptions` and `audio/translations`, done by models that hear."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.errors import InvalidRequest

from .file_kinds import sound_type
from .openai_jobs import Answer, Job, parts_in
from .openai_wishes import Wishes
from .usage import read_usage

_TRANSCRIBE: Final = "Transcribe the provided audio and respond with only the transcript text."
_TRANSLATE: Final = (
    "Translate what is said in the provided audio into English and respond with only the"
    " translated text."
)


def transcription(wishes: Wishes) -> Job:
    """The request for what is said. Raises InvalidRequest."""
    return _job(wishes, _TRANSCRIBE)


def translation(wishes: Wishes) -> Job:
    """The request for what is said, in English. Raises InvalidRequest."""
    return _job(wishes, _TRANSLATE)


def _job(wishes: Wishes, task: str) -> Job:
    wishes.refuse("stream", "Google does not stream transcriptions in OpenAI's events.")
    form = wishes.one_of("response_format", ("json", "text"))
    files = wishes.files("file")
    if len(files) != 1:
        raise InvalidRequest("One file can be transcribed at a time.", param="file")
    sound = {"mimeType": sound_type(files[0]), "data": b64encode(files[0]).decode()}
    if (language := wishes.text("language")) is not None:
        task += f" It is spoken in the language {language!r}."
        wishes.approximate("language", "named in the instruction")
    if (prompt := wishes.text("prompt")) is not None:
        task += f"\nThis may help with names and spelling: {prompt}"
        wishes.approximate("prompt", "written into the instruction")
    tree: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": task}, {"inlineData": sound}]}]
    }
    if (temperature := wishes.number("temperature")) is not None:
        tree["generationConfig"] = {"temperature": temperature}
    return Job(tree, wishes.losses(), _plain if form == "text" else _json)


def _text(tree: Mapping[str, Any]) -> str:
    said = [part.get("text") for part in parts_in(tree) if not part.get("thought")]
    return "".join([text for text in said if isinstance(text, str)]).strip()


def _plain(tree: Mapping[str, Any]) -> Answer:
    return (_text(tree) + "\n").encode(), "text/plain; charset=utf-8"


def _json(tree: Mapping[str, Any]) -> Answer:
    answer: dict[str, Any] = {"text": _text(tree)}
    used = read_usage(tree.get("usageMetadata"))
    if used is not None:
        heard = used.audio_input_tokens
        answer["usage"] = {
            "type": "tokens",
            "input_tokens": used.input_tokens,
            "input_token_details": {
                "text_tokens": max(used.input_tokens - heard, 0),
                "audio_tokens": heard,
            },
            "output_tokens": used.output_tokens,
            "total_tokens": used.total_tokens,
        }
    return msgspec.json.encode(answer), "application/json"
