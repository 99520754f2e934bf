"""Documents of a request: Cohere has them beside the messages, other APIs in them."""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, own
from jackfield.messages import Document, Message

from .chat_parts import NAME, document_text

_RAW: Final = "$raw"
_TEXTUAL: Final = ("text/", "application/json", "application/xml")


def take_documents(fields: Fields, messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with the request's documents at the start of the last question."""
    items = fields.rest.get("documents")
    places = [i for i, message in enumerate(messages) if message.role == "user"]
    if not items or not places:
        return tuple(messages)
    documents = [_read_document(wire, i) for i, wire in enumerate(fields.items("documents"))]
    last = messages[places[-1]]
    question = replace(last, parts=(*documents, *last.parts))
    return (*messages[: places[-1]], question, *messages[places[-1] + 1 :])


def _read_document(wire: Any, place: int) -> Document:
    path = f"documents[{place}]"
    note = {NAME: {_RAW: wire}}
    if isinstance(wire, str):
        return Document(text=wire, media_type="text/plain", extensions=note)
    data = wire.get("data") if isinstance(wire, dict) else None
    if not isinstance(data, dict | str):
        raise InvalidRequest(
            f"'{path}' must be a string or an object with 'data', an object.", param=path
        )
    title = data.get("title") if isinstance(data, dict) else None
    named = (one for one in (title, wire.get("id")) if isinstance(one, str) and one)
    name = next(named, None)
    return Document(text=_text_of(data), media_type="text/plain", name=name, extensions=note)


def _text_of(data: dict[str, Any] | str) -> str:
    """The document's text; all fields as JSON if it has more than text and title."""
    if isinstance(data, dict) and data.keys() == {"title", "text"}:
        return document_text({"text": data["text"]})
    return document_text(data)


class DocumentWriter:
    """Collects the documents of all messages."""

    def __init__(self, losses: list[Loss]) -> None:
        self.wire: list[Any] = []
        self._losses = losses

    def add(self, part: Document, path: str) -> bool:
        """Add a document if it is available as text."""
        raw = own(part.extensions, NAME).get(_RAW)
        if raw is not None and _read_document(raw, 0) == part:
            self.wire.append(raw)
            return True
        text = plain_text(part)
        if text is None:
            return False
        if raw is None:
            detail = "beside the messages"
            self._losses.append(Loss("documents.text", path, "approximated", detail))
        title = {"title": part.name} if part.name else {}
        identity = f"doc:{len(self.wire)}"
        self.wire.append({"id": identity, "data": {**title, "text": text}})
        return True


def plain_text(part: Document) -> str | None:
    """The text of a text document in any form; None for any other."""
    if part.text is not None:
        return part.text
    media = part.media_type or ""
    if part.data is None or not media.startswith(_TEXTUAL):
        return None
    try:
        return b64decode(part.data, validate=True).decode()
    except (Base64Error, UnicodeDecodeError):
        return None
