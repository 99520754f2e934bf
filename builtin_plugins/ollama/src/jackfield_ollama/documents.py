"""Documents for models that only take texts and images."""

from base64 import b64decode
from binascii import Error as Base64Error

from jackfield.dialects import Loss
from jackfield.messages import Document

_TEXTS = ("text/", "application/json", "application/xml", "application/x-ndjson")


def document_text(document: Document, path: str, losses: list[Loss]) -> str | None:
    """The document as text, with its loss; None if it is no text, which breaks the request."""
    text = document.text if document.text is not None else _decoded(document)
    if text is None:
        detail = "Ollama only takes texts and images"
        losses.append(Loss(_feature_of(document), path, "dropped", detail, breaks=True))
        return None
    losses.append(Loss("documents.text", path, "approximated", "as plain text"))
    return f"{document.name}\n\n{text}" if document.name else text


def _feature_of(document: Document) -> str:
    if document.data is not None:
        return "documents"
    return "documents.url" if document.url is not None else "documents.file_id"


def _decoded(document: Document) -> str | None:
    if document.data is None or not (document.media_type or "").startswith(_TEXTS):
        return None
    try:
        return b64decode(document.data, validate=True).decode()
    except (Base64Error, UnicodeDecodeError):
        return None
