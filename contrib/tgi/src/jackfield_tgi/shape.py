"""The form of answer that a client of TGI wants."""

from typing import Any

from attrs import frozen

from jackfield.messages import ChatRequest, Text

from .wire import NAME


@frozen
class Shape:
    """Whether the answer has details, and the prompt that precedes it, if any."""

    details: bool
    before: str


def shape_of(request: ChatRequest) -> Shape:
    """The shape that the reader stored with the only message."""
    if not request.messages:
        return Shape(details=False, before="")
    message = request.messages[0]
    wanted: Any = message.extensions.get(NAME, {})
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    before = "".join(texts) if wanted.get("return_full_text") else ""
    return Shape(bool(wanted.get("details")), before)
