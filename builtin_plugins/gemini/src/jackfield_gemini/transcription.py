"""OpenAI's `audio/transcriptions` and `audio/translations`, with models that accept audio."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield.errors import InvalidRequest

from .media_requests import Answer, MediaRequest, parts_in
from .media_types import audio_type
from .openai_fields import OpenAIFields
from .usage import read_usage

_TRANSCRIBE: Final = "Transcribe the provided audio and respond with only the transcript text."
_TRANSLATE: Final = (
    "Translate what is said in the provided audio into English and respond with only the"
    " translated text."
)


def transcription(fields: OpenAIFields) -> MediaRequest:
    """The request for a transcription. Raises InvalidRequest."""
    return _request(fields, _TRANSCRIBE)


def translation(fields: OpenAIFields) -> MediaRequest:
    """The request for a transcription in English. Raises InvalidRequest."""
    return _request(fields, _TRANSLATE)


def _request(fields: OpenAIFields, task: str) -> MediaRequest:
    fields.refuse("stream", "Google does not stream transcriptions in OpenAI's events.")
    answer_format = fields.one_of("response_format", ("json", "text"))
    files = fields.files("file")
    if len(files) != 1:
        raise InvalidRequest("One file can be transcribed at a time.", param="file")
    audio = {"mimeType": audio_type(files[0]), "data": b64encode(files[0]).decode()}
    if (language := fields.text("language")) is not None:
        task += f" It is spoken in the language {language!r}."
        fields.approximate("language", "named in the instruction")
    if (prompt := fields.text("prompt")) is not None:
        task += f"\nThis may help with names and spelling: {prompt}"
        fields.approximate("prompt", "written into the instruction")
    tree: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": task}, {"inlineData": audio}]}]
    }
    if (temperature := fields.number("temperature")) is not None:
        tree["generationConfig"] = {"temperature": temperature}
    return MediaRequest(tree, fields.losses(), _plain if answer_format == "text" else _json)


def _text(tree: Mapping[str, Any]) -> str:
    texts = [part.get("text") for part in parts_in(tree) if not part.get("thought")]
    return "".join([text for text in texts if isinstance(text, str)]).strip()


def _plain(tree: Mapping[str, Any]) -> Answer:
    return (_text(tree) + "\n").encode(), "text/plain; charset=utf-8"


def _json(tree: Mapping[str, Any]) -> Answer:
    answer: dict[str, Any] = {"text": _text(tree)}
    used = read_usage(tree.get("usageMetadata"))
    if used is not None:
        audio_tokens = used.audio_input_tokens
        answer["usage"] = {
            "type": "tokens",
            "input_tokens": used.input_tokens,
            "input_token_details": {
                "text_tokens": max(used.input_tokens - audio_tokens, 0),
                "audio_tokens": audio_tokens,
            },
            "output_tokens": used.output_tokens,
            "total_tokens": used.total_tokens,
        }
    return msgspec.json.encode(answer), "application/json"
