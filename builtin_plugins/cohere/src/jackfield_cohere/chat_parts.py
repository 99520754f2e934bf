"""Content parts: text, thoughts, images, and documents of tool results."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.errors import InvalidRequest
from jackfield.fields import Fields, carry, own
from jackfield.losses import lost_part
from jackfield.messages import (
    Audio,
    Document,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Role,
    Text,
)
from jackfield.proofs import unseal

NAME: Final = "cohere.chat"
_DATA_URL: Final = re.compile(r"data:([^;,]*)(?:;[^,]*)?;base64,(.*)", re.DOTALL)
_DOCUMENT: Final = "$document"


def read_parts(content: Any, path: str, *, strict: bool) -> list[Part]:
    """The parts of a message's `content`, a string or an array."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    if content is None:
        return []
    if not isinstance(content, list):
        raise InvalidRequest(f"'{path}' must be a string or an array of parts.", param=path)
    return [read_part(part, f"{path}[{i}]", strict=strict) for i, part in enumerate(content)]


def read_part(wire: Any, path: str, *, strict: bool = True) -> Part:
    """One part. A part of an unknown kind is kept unchanged."""
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be an object.", param=path)
    fields = Fields(wire, path, strict=strict)
    kind = fields.needed_text("type")
    reader = _READERS.get(kind)
    return reader(fields) if reader else Opaque(NAME, kind, wire)


def _read_text(fields: Fields) -> Part:
    return Text(fields.needed_text("text"), extensions=fields.extensions(NAME))


def _read_thinking(fields: Fields) -> Part:
    text = fields.needed_text("thinking")
    proof = fields.rest.get("signature")
    thought = unseal(proof) if isinstance(proof, str) else None
    if thought is not None:
        return replace(thought, text=text)
    return Reasoning(text, extensions={NAME: fields.rest})


def _read_image(fields: Fields) -> Part:
    inner = fields.rest.pop("image_url", None)
    plain = isinstance(inner, str)
    inner = {"url": inner} if plain else inner
    if not isinstance(inner, dict):
        raise fields.wrong("image_url", "an object")
    image = Fields(inner, fields.where("image_url"), strict=fields.strict)
    url, detail = image.needed_text("url"), image.text("detail")
    rest = fields.rest | ({"image_url": image.rest} if image.rest else {})
    extensions = {NAME: {**rest, "$plain": True} if plain else rest}
    match = _DATA_URL.fullmatch(url)
    if match is None:
        return Image(url=url, detail=detail, extensions=extensions)
    return Image(data=match[2], media_type=match[1] or None, detail=detail, extensions=extensions)


def _read_tool_document(fields: Fields) -> Part:
    # Other dialects accept only text from a tool, so the text contains all of it.
    document = fields.rest.get("document")
    if not isinstance(document, dict):
        raise fields.wrong("document", "an object")
    return Text(document_text(document.get("data")), extensions={NAME: {_DOCUMENT: fields.rest}})


_READERS: Final[Mapping[str, Callable[[Fields], Part]]] = {
    "text": _read_text,
    "thinking": _read_thinking,
    "image_url": _read_image,
    "document": _read_tool_document,
}


def document_text(data: Any) -> str:
    """A document's data as text: its only text, or all its fields as JSON."""
    if isinstance(data, str):
        return data
    if isinstance(data, dict) and data.keys() == {"text"} and isinstance(data["text"], str):
        return data["text"]
    return msgspec.json.encode(data).decode()


def write_part(part: Part, path: str, losses: list[Loss], role: Role) -> dict[str, Any] | None:
    """One part for a message with this `role`; None, with a loss, if Cohere has no place for it."""
    match part:
        case Text():
            return _write_text(part)
        case Refusal():
            losses.append(Loss("refusals", path, "approximated", "as text"))
            return {"type": "text", "text": part.text}
        case Reasoning():
            return carry({"type": "thinking", "thinking": part.text}, part.extensions, NAME)
        case Image():
            return _write_image(part, path, losses)
        case Opaque(dialect="cohere.chat", value=value):
            return dict(value)
        case _:
            losses.append(_lost(part, path, role))
            return None


def _write_text(part: Text) -> dict[str, Any]:
    document = own(part.extensions, NAME).get(_DOCUMENT)
    if document is not None and document_text(document["document"].get("data")) == part.text:
        return {"type": "document", **document}
    wire = {"type": "text", "text": part.text}
    return wire if document is not None else carry(wire, part.extensions, NAME)


def _write_image(part: Image, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    url = part.url
    if part.data is not None:
        url = f"data:{part.media_type or 'image/png'};base64,{part.data}"
    if url is None:
        detail = "Cohere takes no image by file id"
        losses.append(Loss("images.file_id", path, "dropped", detail, breaks=True))
        return None
    kept = own(part.extensions, NAME)
    if kept.get("$plain"):
        return carry({"type": "image_url", "image_url": url}, part.extensions, NAME)
    inner = {**kept.get("image_url", {}), "url": url}
    if part.detail is not None:
        inner["detail"] = part.detail
    return carry({"type": "image_url", "image_url": inner}, part.extensions, NAME)


def _lost(part: Part, path: str, role: Role) -> Loss:
    if isinstance(part, Document):
        detail = "Cohere only takes documents as text"
        return Loss(_feature_of(part), path, "dropped", detail, breaks=role != "assistant")
    detail = "Cohere takes none" if isinstance(part, Audio) else ""
    return lost_part(part, path, role, detail)


def _feature_of(part: Document) -> str:
    if part.data is not None:
        return "documents"
    return "documents.url" if part.url is not None else "documents.file_id"
