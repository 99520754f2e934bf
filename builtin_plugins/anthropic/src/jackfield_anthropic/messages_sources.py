"""Images and documents of Messages content, to and from canonical parts."""

import base64
import binascii
from typing import Any, Final

from jackfield.dialects import Loss
from jackfield.fields import Fields
from jackfield.messages import Document, Image, Part

from .fields import NAME, carry, own

PDF = "application/pdf"
_IMAGES: Final = frozenset(("image/png", "image/jpeg", "image/gif", "image/webp"))
_OTHER_NAMES: Final = {"": "image/png", "image/*": "image/png", "image/jpg": "image/jpeg"}


def read_image(fields: Fields) -> Part | None:
    """An image block; None if the kind of its source is unknown."""
    source = fields.needed_table("source")
    kind = source.needed_text("type")
    if kind not in ("base64", "url", "file"):
        return None
    url, data, file_id = _read_source(source, kind)
    media_type = source.text("media_type")
    _keep_source(fields, source)
    return Image(url, data, media_type, file_id, extensions={NAME: fields.rest})


def read_document(fields: Fields) -> Part | None:
    """A document block; None if its source has no canonical form."""
    source = fields.needed_table("source")
    kind = source.needed_text("type")
    name = fields.text("title")
    if kind == "text":
        text, media_type = source.needed_text("data"), source.text("media_type")
        _keep_source(fields, source)
        return Document(text=text, media_type=media_type, name=name, extensions={NAME: fields.rest})
    if kind == "content":
        joined = _joined(source.rest.get("content"))
        if joined is None:
            return None
        fields.rest["$source"] = {"type": kind, **source.rest}
        return Document(text=joined, name=name, extensions={NAME: fields.rest})
    if kind not in ("base64", "url", "file"):
        return None
    url, data, file_id = _read_source(source, kind)
    media_type = source.text("media_type")
    _keep_source(fields, source)
    return Document(url, data, None, media_type, file_id, name, extensions={NAME: fields.rest})


def read_search_result(fields: Fields) -> Part | None:
    """A search result, canonically a document; None unless it consists of texts."""
    text = _joined(fields.rest.get("content"))
    name = fields.text("title")
    if text is None:
        return None
    fields.rest["$found"] = fields.rest.pop("content")
    return Document(text=text, name=name, extensions={NAME: fields.rest})


def _read_source(source: Fields, kind: str) -> tuple[str | None, str | None, str | None]:
    if kind == "base64":
        return None, source.needed_text("data"), None
    if kind == "url":
        return source.needed_text("url"), None, None
    return None, None, source.needed_text("file_id")


def _keep_source(fields: Fields, source: Fields) -> None:
    if source.rest:
        fields.rest["$more"] = source.rest


def _joined(content: Any) -> str | None:
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts = [
        block.get("text") if isinstance(block, dict) and block.get("type") == "text" else None
        for block in content
    ]
    known = [text for text in texts if isinstance(text, str)]
    return "\n".join(known) if len(known) == len(texts) else None


def write_media(part: Image | Document, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    """The block of an image or a document; None, with a loss, if Anthropic does not accept it."""
    if isinstance(part, Image):
        return _write_image(part, path, losses)
    return _write_document(part, path, losses)


def _write_image(image: Image, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    if image.detail not in (None, "auto") and NAME not in image.extensions:
        losses.append(Loss("images.detail", path, "dropped"))
    media_type = image.media_type or "image/png"
    if NAME not in image.extensions:
        media_type = media_type.partition(";")[0].strip().lower()
        media_type = _OTHER_NAMES.get(media_type, media_type)
    if image.data is not None and media_type not in _IMAGES and NAME not in image.extensions:
        why = f"{media_type} is neither PNG, JPEG, GIF nor WebP"
        _lose(losses, "images.media_type", path, why)
        return None
    source = _write_source(image.data, media_type, image.url)
    if source is None and image.file_id is not None and NAME in image.extensions:
        source = {"type": "file", "file_id": image.file_id}
    if source is None:
        _lose(losses, "images.file_id", path, "a file of another provider")
        return None
    return _block("image", source, image)


def _write_document(document: Document, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    found = own(document.extensions).get("$found")
    if found is not None:
        return _write_search_result(document, found)
    kept = own(document.extensions).get("$source")
    if kept is not None and _joined(kept.get("content")) == document.text:
        source: dict[str, Any] | None = dict(kept)
    elif document.text is not None:
        media_type = document.media_type if NAME in document.extensions else "text/plain"
        source = {"type": "text", "media_type": media_type or "text/plain", "data": document.text}
    else:
        source = _document_source(document, path, losses)
    if source is None:
        return None
    block = _block("document", source, document)
    if document.name is not None:
        block["title"] = document.name
    return block


def _write_search_result(document: Document, content: Any) -> dict[str, Any]:
    if _joined(content) != document.text:
        content = [{"type": "text", "text": document.text}]
    block = {"type": "search_result", "content": content}
    if document.name is not None:
        block["title"] = document.name
    return carry(block, document.extensions)


def _document_source(document: Document, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    is_own = NAME in document.extensions
    if document.file_id is not None and is_own:
        return {"type": "file", "file_id": document.file_id}
    media_type = document.media_type or PDF
    source = _write_source(document.data, media_type, document.url)
    if source is None:
        _lose(losses, "documents.file_id", path, "a file of another provider")
    if source is None or is_own or media_type == PDF:
        return source
    readable = media_type.startswith(("text/", "application/json"))
    text = _decoded(document.data) if readable and document.data is not None else None
    if text is None:
        why = "is neither PDF nor text" if document.url is None else "cannot be read at an address"
        _lose(losses, "documents.media_type", path, f"{media_type} {why}")
        return None
    return {"type": "text", "media_type": "text/plain", "data": text}


def _decoded(data: str) -> str | None:
    try:
        return base64.b64decode(data).decode()
    except (binascii.Error, ValueError):
        return None


def _write_source(data: str | None, media_type: str, url: str | None) -> dict[str, Any] | None:
    if data is not None:
        return {"type": "base64", "media_type": media_type, "data": data}
    return None if url is None else {"type": "url", "url": url}


def _block(kind: str, source: dict[str, Any], part: Image | Document) -> dict[str, Any]:
    source |= own(part.extensions).get("$more", {})
    return carry({"type": kind, "source": source}, part.extensions)


def _lose(losses: list[Loss], feature: str, path: str, detail: str = "") -> None:
    # Dropping media changes the question.
    losses.append(Loss(feature, path, "dropped", detail, breaks=True))
