"""OpenAI's endpoints for audio and images, as far as Google's models can serve them."""

from collections.abc import Callable, Mapping
from typing import Final

from jackfield import Endpoint, Exchange
from jackfield.dialects import Dialect, installed

from . import images, speech, transcription
from .media_requests import MediaRequest
from .openai_fields import OpenAIFields, fields_of

OPENAI: Final[Dialect] = installed("openai.resource")
_BUILDERS: Final[Mapping[tuple[str, str | None], Callable[[OpenAIFields, str], MediaRequest]]] = {
    ("audio", "speech"): lambda fields, _: speech.speech(fields),
    ("audio", "transcriptions"): lambda fields, _: transcription.transcription(fields),
    ("audio", "translations"): lambda fields, _: transcription.translation(fields),
    ("images", "generations"): images.generation,
    ("images", "edits"): images.edit,
}


def may_be_served(endpoint: Endpoint) -> bool:
    """Whether one of OpenAI's other endpoints is for audio or images."""
    return endpoint.permission == "inference" and endpoint.operation in ("audio", "images")


def media_request_of(exchange: Exchange, model: str) -> MediaRequest | None:
    """Google's request for one of OpenAI's; None without an equivalent. Raises InvalidRequest."""
    build = _BUILDERS.get((exchange.operation, exchange.request.params.get("rest")))
    if build is None or exchange.request.method != "POST":
        return None
    return build(fields_of(exchange, exchange.operation), model)
