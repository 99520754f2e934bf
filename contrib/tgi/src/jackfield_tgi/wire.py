"""The wire format: requests, answers and events of TGI."""

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

NAME = "tgi.generate"

T = TypeVar("T")


class Parameters(Struct):
    """The parameters of a request that other APIs know too; None is TGI's default."""

    max_new_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    typical_p: float | None = None
    do_sample: bool | None = None
    seed: int | None = None
    stop: list[str] | None = None
    frequency_penalty: float | None = None
    top_n_tokens: int | None = None
    grammar: dict[str, Any] | None = None
    details: bool | None = None
    return_full_text: bool | None = None


class RequestBody(Struct):
    """A request. `stream` only matters at the path `/`."""

    inputs: str
    parameters: dict[str, Any] | None = None
    stream: bool | None = None


class Token(Struct):
    """A token; `special` ones are not part of the text."""

    id: int = 0
    text: str = ""
    logprob: float | None = None
    special: bool = False


class Details(Struct):
    """Details of a complete answer."""

    finish_reason: str
    generated_tokens: int
    seed: int | None = None
    prefill: list[Token] = []
    tokens: list[Token] = []
    top_tokens: list[list[Token]] | None = None


class Answer(Struct):
    """A complete answer; at the path `/` it is the only element of an array."""

    generated_text: str
    details: Details | None = None


class StreamDetails(Struct):
    """Details of a streamed answer; older servers omit `input_length`."""

    finish_reason: str
    generated_tokens: int
    seed: int | None = None
    input_length: int | None = None


class Event(Struct):
    """An event of a stream: one token, in the last one also the complete text; or an error."""

    index: int = 0
    token: Token | None = None
    top_tokens: list[Token] | None = None
    generated_text: str | None = None
    details: StreamDetails | None = None
    error: str | None = None
    error_type: str | None = None


_ANSWER: msgspec.json.Decoder[Answer | list[Answer]] = msgspec.json.Decoder(Answer | list[Answer])
_EVENT = msgspec.json.Decoder(Event)
_FAILURE = msgspec.json.Decoder(dict[str, Any])


def read_answer(body: bytes) -> Answer:
    """The answer in a body. Raises ValueError if it is malformed."""
    value = _decoded(_ANSWER, body)
    if isinstance(value, Answer):
        return value
    if not value:
        raise ValueError("the answer is an empty array")
    return value[0]


def read_event(data: bytes) -> Event:
    """The event in a server-sent event's data. Raises ValueError if it is malformed."""
    return _decoded(_EVENT, data)


def read_failure(body: bytes) -> dict[str, Any]:
    """The object in the body of an error. Raises ValueError if it is malformed."""
    return _decoded(_FAILURE, body)


def _decoded(decoder: msgspec.json.Decoder[T], data: bytes) -> T:
    try:
        return decoder.decode(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
