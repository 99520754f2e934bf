"""The parts of a chat message's content: text, images, audio, files and vendors' additions."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

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

from .chat_summaries import is_summary, read_summary, write_summary
from .file_names import file_name
from .foreign_files import foreign_file, is_foreign

NAME = "openai.chat"


def read_parts(content: Any, path: str, *, strict: bool) -> list[Part]:
    """The parts of a message's `content`, a string or an array.

    An answer's content may be any JSON value: it is given as its text.
    """
    if isinstance(content, str):
        return [Text(content)] if content else []
    if content is None:
        return []
    if not isinstance(content, list):
        if strict:
            raise InvalidRequest(f"'{path}' must be a string or an array of parts.", param=path)
        # Cloudflare sends structured output as the JSON value itself.
        return [Text(msgspec.json.encode(content).decode())]
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


def _read_refusal(fields: Fields) -> Part:
    text = fields.needed_text("refusal")
    return Refusal(text, extensions={NAME: {**fields.rest, "$in": "content"}})


def _read_image(fields: Fields) -> Part:
    plain = fields.rest.get("image_url")
    if isinstance(plain, str):  # Mistral's short form
        del fields.rest["image_url"]
        url, detail = plain, None
        extra: dict[str, Any] = {"$plain": True}
    else:
        inner = _inner(fields, "image_url")
        url, detail = inner.needed_text("url"), inner.text("detail")
        extra = {"image_url": inner.rest} if inner.rest else {}
    media_type, data = split_data_url(url)
    rest = {**fields.rest, **extra}
    return Image(
        url=url if data is None else None,
        data=data,
        media_type=media_type,
        detail=detail,
        extensions={NAME: rest} if rest else {},
    )


def _read_audio(fields: Fields) -> Part:
    inner = _inner(fields, "input_audio")
    audio = (inner.needed_text("data"), inner.text("format"))
    if inner.rest:
        fields.rest["input_audio"] = inner.rest
    return Audio(*audio, extensions=fields.extensions(NAME))


def _read_file(fields: Fields) -> Part:
    inner = _inner(fields, "file")
    name, file_id = inner.text("filename"), inner.text("file_id")
    source = inner.text("file_data") or ""
    if inner.rest:
        fields.rest["file"] = inner.rest
    media_type, data = split_data_url(source)
    is_url = source.startswith(("https://", "http://"))
    return Document(
        url=source if is_url else None,
        data=data if data is not None or is_url else source or None,
        media_type=media_type,
        file_id=file_id,
        name=name,
        extensions={NAME: fields.rest},
    )


def _read_document_url(fields: Fields) -> Part:
    url = fields.needed_text("document_url")
    media_type, data = split_data_url(url)
    name = fields.text("document_name")
    return Document(
        url=url if data is None else None,
        data=data,
        media_type=media_type,
        name=name,
        extensions={NAME: {**fields.rest, "$type": "document_url"}},
    )


def _read_thinking(fields: Fields) -> Part:
    chunks = fields.rest.pop("thinking", None)
    text, signature = "".join(thoughts(chunks)), fields.text("signature")
    note = {} if chunks == [{"type": "text", "text": text}] else {"$thinking": chunks}
    if others := other_thoughts(chunks):
        note["$beside"] = others
    rest = {**fields.rest, **note, "$in": "content"}
    return Reasoning(text, signature=signature, extensions={NAME: rest})


def thoughts(chunks: Any) -> list[str]:
    """The texts in the `thinking` of one of Mistral's parts."""
    if isinstance(chunks, str):
        return [chunks]
    if not isinstance(chunks, list):
        return []
    texts = [chunk.get("text") for chunk in chunks if isinstance(chunk, dict)]
    return [text for text in texts if isinstance(text, str)]


def other_thoughts(chunks: Any) -> dict[str, Any]:
    """The references and other parts of a `thinking`, by their kinds."""
    found = chunks if isinstance(chunks, list) else []
    named = {str(chunk.get("type")): chunk for chunk in found if isinstance(chunk, dict)}
    named.pop("text", None)
    return named


_READERS: Mapping[str, Callable[[Fields], Part]] = {
    "text": _read_text,
    "refusal": _read_refusal,
    "image_url": _read_image,
    "input_audio": _read_audio,
    "file": _read_file,
    "document_url": _read_document_url,
    "thinking": _read_thinking,
    "reasoning": read_summary,
}


def _inner(fields: Fields, key: str) -> Fields:
    value = fields.rest.pop(key, None)
    if not isinstance(value, dict):
        raise fields.wrong(key, "an object")
    return Fields(value, fields.where(key), strict=fields.strict)


def split_data_url(url: str) -> tuple[str | None, str | None]:
    """Media type and base64 data of a `data:` URL; both None for any other URL."""
    if not url.startswith("data:"):
        return None, None
    head, marker, data = url[5:].partition(";base64,")
    return (head, data) if marker else (None, None)


def write_part(part: Part, path: str, losses: list[Loss], role: Role) -> dict[str, Any] | None:
    """One content part for a message with this `role`, or None if chat has no such part."""
    match part:
        case Text() | Refusal() | Reasoning():
            return _write_text(part)
        case Image():
            return _write_image(part, path, losses)
        case Audio():
            return _write_audio(part, path, losses, from_caller=role != "assistant")
        case Document():
            return _write_document(part, path, losses, from_caller=role != "assistant")
        case Opaque(dialect="openai.chat", value=value):
            return dict(value)
        case _:
            losses.append(lost_part(part, path, role))
            return None


def _write_text(part: Text | Refusal | Reasoning) -> dict[str, Any]:
    if isinstance(part, Reasoning):
        return write_summary(part) if is_summary(part.extensions) else _write_thinking(part)
    kind = "text" if isinstance(part, Text) else "refusal"
    return carry({"type": kind, kind: part.text}, part.extensions, NAME)


def _write_image(part: Image, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    url = part.url
    if part.data is not None:
        url = f"data:{part.media_type or 'image/png'};base64,{part.data}"
    if url is None:
        detail = "chat takes no image by file id"
        losses.append(Loss("images.file_id", path, "dropped", detail, breaks=True))
        return None
    if part.data is None and is_foreign(part):
        losses.append(foreign_file(part, path))
        return None
    if own(part.extensions, NAME).get("$plain"):
        return carry({"type": "image_url", "image_url": url}, part.extensions, NAME)
    inner = {"url": url} | ({"detail": part.detail} if part.detail else {})
    return _nested("image_url", inner, part)


def _write_audio(
    part: Audio, path: str, losses: list[Loss], *, from_caller: bool
) -> dict[str, Any] | None:
    if part.data is None:
        detail = "only the assistant's own audio"
        losses.append(Loss("audio.reference", path, "dropped", detail, breaks=from_caller))
        return None
    inner = {"data": part.data} | ({"format": part.format} if part.format else {})
    return _nested("input_audio", inner, part)


def _write_document(
    part: Document, path: str, losses: list[Loss], *, from_caller: bool
) -> dict[str, Any] | None:
    if own(part.extensions, NAME).get("$type") == "document_url":
        url = part.url or f"data:{part.media_type};base64,{part.data}"
        named = {"document_name": part.name} if part.name else {}
        return carry({"type": "document_url", "document_url": url} | named, part.extensions, NAME)
    if part.text is not None:
        losses.append(Loss("documents.text", path, "approximated", "rendered as text"))
        return {"type": "text", "text": f"{part.name}\n\n{part.text}" if part.name else part.text}
    if part.url is not None and NAME not in part.extensions:
        detail = "chat takes files by data or id"
        losses.append(Loss("documents.url", path, "dropped", detail, breaks=from_caller))
        return None
    if part.data is None and is_foreign(part):
        losses.append(foreign_file(part, path))
        return None
    if part.url is None and part.data is None and part.file_id is None:
        losses.append(Loss("documents.empty", path, "dropped", breaks=from_caller))
        return None
    inner: dict[str, Any] = {"file_id": part.file_id} if part.file_id else {}
    if part.data is not None or part.url is not None:
        name = part.name
        if name is None or NAME not in part.extensions:
            name = file_name(part.media_type, name)
        inner |= {"filename": name, "file_data": _file_data(part)}
    return _nested("file", inner, part)


def _file_data(part: Document) -> str:
    if part.url is not None:
        return part.url
    data = part.data or ""
    if part.media_type is None and NAME in part.extensions:
        return data
    return f"data:{part.media_type or 'application/pdf'};base64,{data}"


def _write_thinking(part: Reasoning) -> dict[str, Any]:
    kept = own(part.extensions, NAME)
    chunks = kept.get("$thinking")
    if chunks is None or "".join(thoughts(chunks)) != part.text:
        chunks = [{"type": "text", "text": part.text}]
    wire: dict[str, Any] = {"type": "thinking", "thinking": chunks}
    if part.signature:
        wire["signature"] = part.signature
    return carry(wire, part.extensions, NAME)


def _nested(kind: str, inner: dict[str, Any], part: Image | Audio | Document) -> dict[str, Any]:
    kept = own(part.extensions, NAME).get(kind)
    if isinstance(kept, dict):
        inner = {**kept, **inner}
    return carry({"type": kind, kind: inner}, part.extensions, NAME)
