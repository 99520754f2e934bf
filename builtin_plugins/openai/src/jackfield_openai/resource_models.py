"""Where the bodies of OpenAI's other endpoints name models besides a `model` of their own."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from jackfield import json_spans, strict_json
from jackfield.forms import field_span

_IN_SESSIONS: Final = ("model", "audio/input/transcription/model")
_PLACES: Final = (
    "model",
    *(f"session/{place}" for place in _IN_SESSIONS),  # realtime.client_secrets, realtime.calls
    "input_audio_transcription/model",  # realtime.transcription_sessions
    "data_source/model",  # evals.runs
    "testing_criteria/*/model",  # evals
    "grader/model",  # fine_tuning.alpha.graders
    "grader/graders/*/model",
    "method/reinforcement/grader/model",  # fine_tuning.jobs
    "method/reinforcement/grader/graders/*/model",
)
_STEPS: Final = tuple(place.split("/") for place in _PLACES)


def models_in(tree: Any) -> Iterator[str]:
    """The models that a body names, beginning with the one that the request is for."""
    for steps in _STEPS:
        yield from _named(tree, steps)


def _named(value: Any, steps: Sequence[str]) -> Iterator[str]:
    if not steps:
        if isinstance(value, str) and value:
            yield value
    elif steps[0] == "*":
        below = value.values() if isinstance(value, dict) else value
        for one in below if isinstance(value, dict | list) else ():
            yield from _named(one, steps[1:])
    elif isinstance(value, dict) and steps[0] in value:
        yield from _named(value[steps[0]], steps[1:])


def with_models(body: bytes, old: str, new: str) -> bytes:
    """The body with `old` renamed wherever it is named, and other models of its provider with it.

    All other bytes stay.
    """
    prefix = old.removesuffix(new) if old.endswith("/" + new) else ""
    changed = {}
    for span in json_spans.texts(body, _PLACES):
        if span.value == old:
            changed[span.path] = new
        elif prefix and span.value.startswith(prefix):
            changed[span.path] = span.value.removeprefix(prefix)
    return json_spans.replace(body, changed)


def model_of_form(body: bytes, media_type: str) -> str | None:
    """The only model that a form names, in `model` or in the JSON of `session`.

    None if there are several: the caller's rights cannot be checked for each. Raises
    InvalidRequest if `session` is not JSON.
    """
    model, session = _form_spans(body, media_type)
    named = {_text(body, model)} if model is not None else set()
    if session is not None:
        named.update(models_in({"session": strict_json.decode(body[slice(*session)])}))
    named.discard("")
    return named.pop() if len(named) == 1 else None


def form_with_model(body: bytes, media_type: str, old: str, new: str) -> bytes:
    """The form with the model renamed."""
    model, session = _form_spans(body, media_type)
    if model is not None:
        return body[: model[0]] + new.encode() + body[model[1] :]
    if session is None:
        return body
    start, end = session
    # A session is named from its own members, a body from its `session`.
    changed = with_models(b'{"session":%b}' % body[start:end], old, new)
    return body[:start] + changed[len(b'{"session":') : -1] + body[end:]


def _form_spans(
    body: bytes, media_type: str
) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    return field_span(body, media_type, "model"), field_span(body, media_type, "session")


def _text(body: bytes, span: tuple[int, int]) -> str:
    return body[slice(*span)].decode("utf-8", "replace").strip()
