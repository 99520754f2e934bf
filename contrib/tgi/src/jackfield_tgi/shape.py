"""How a client of TGI wants its answer to look."""

from typing import Any

from attrs import frozen

from jackfield.messages import ChatRequest, Text

from .wire import NAME


@frozen
class Shape:
    """With details or without, and what stands before the answer: the prompt, or nothing."""

    details: bool
    before: str


def shape_of(request: ChatRequest) -> Shape:
    """Find it where the reader has left it: with the only message."""
    if not request.messages:
        return Shape(details=False, before="")
    message = request.messages[0]
    wanted: Any = message.extensions.get(NAME, {})
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    before = "".join(texts) if wanted.get("return_full_text") else ""
    return Shape(bool(wanted.get("details")), before)
