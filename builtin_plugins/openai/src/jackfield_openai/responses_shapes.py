"""Types of the members that are read of Responses items, blocks, tools and answers.

Only these are checked. Everything else in an object is kept unchanged.
"""

import re
from typing import Any

import msgspec

from jackfield.errors import InvalidRequest

_MISSING = re.compile(r"missing required field `(.*?)`")
_PATH = re.compile(r" - at `\$(.*)`$")


class _Annotation(msgspec.Struct):
    type: str | None = None
    url: str | None = None
    title: str | None = None
    filename: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    annotations: list[_Annotation] | None = None
    logprobs: list[dict[str, Any]] | None = None
    image_url: str | None = None
    detail: str | None = None
    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    input_audio: dict[str, Any] | None = None


class _Text(msgspec.Struct):
    text: str | None = None


class MessageShape(msgspec.Struct):
    """A message with any role."""

    role: str
    content: str | list[_Block] | None = None


class ReasoningShape(msgspec.Struct):
    """A reasoning item."""

    id: str | None = None
    summary: list[_Text] | None = None
    content: list[_Text] | None = None
    encrypted_content: str | None = None


class CallShape(msgspec.Struct):
    """A call of a function or a custom tool."""

    name: str
    id: str | None = None
    call_id: str | None = None
    arguments: str = ""
    input: str = ""


class ResultShape(msgspec.Struct):
    """The output of a function or a custom tool."""

    call_id: str
    output: str | list[_Block]


class ToolShape(msgspec.Struct):
    """A function or a custom tool."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    format: dict[str, Any] | None = None


class AnswerShape(msgspec.Struct):
    """A complete response."""

    output: list[dict[str, Any]]
    id: str | None = None
    model: str | None = None
    status: str | None = None
    created_at: float | None = None
    incomplete_details: dict[str, Any] | None = None


def check(value: Any, shape: type[msgspec.Struct], path: str) -> None:
    """Raise InvalidRequest that names the member, unless `value` has the shape."""
    try:
        msgspec.convert(value, shape)
    except msgspec.ValidationError as error:
        text = str(error)
        inner, missing = _PATH.search(text), _MISSING.search(text)
        where = path + (inner[1] if inner else "") + (f".{missing[1]}" if missing else "")
        where = where.removeprefix(".")
        what = "is missing" if missing else f"has a wrong type: {_PATH.sub('', text)}"
        raise InvalidRequest(f"'{where}' {what}.", param=where) from error
