"""Which of OpenAI's other endpoints Google's models can serve, and how."""

from collections.abc import Callable, Mapping
from typing import Final

from jackfield import Endpoint, Exchange
from jackfield.dialects import Dialect, installed

from . import pictures, speech, transcription
from .openai_jobs import Job
from .openai_wishes import Wishes, wishes_of

OPENAI: Final[Dialect] = installed("openai.resource")
_JOBS: Final[Mapping[tuple[str, str | None], Callable[[Wishes, str], Job]]] = {
    ("audio", "speech"): lambda wishes, _: speech.job(wishes),
    ("audio", "transcriptions"): lambda wishes, _: transcription.transcription(wishes),
    ("audio", "translations"): lambda wishes, _: transcription.translation(wishes),
    ("images", "generations"): pictures.generation,
    ("images", "edits"): pictures.edit,
}


def may_be_served(endpoint: Endpoint) -> bool:
    """Whether one of OpenAI's other endpoints is for audio or images."""
    return endpoint.permission == "inference" and endpoint.operation in ("audio", "images")


def job_of(exchange: Exchange, model: str) -> Job | None:
    """Google's request for one of OpenAI's; None if it has none. Raises InvalidRequest."""
    make = _JOBS.get((exchange.operation, exchange.request.params.get("rest")))
    if make is None or exchange.request.method != "POST":
        return None
    return make(wishes_of(exchange, exchange.operation), model)
