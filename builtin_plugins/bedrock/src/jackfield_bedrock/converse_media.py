"""Images, documents, audio and video of Converse, each as bytes, as text or in S3."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import Loss
from jackfield.fields import Fields, carry, own
from jackfield.messages import Audio, Document, Image, Opaque, Part

from .converse_claude import document_members, document_note, texts_of
from .converse_names import NAME

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS: Final[Mapping[str, str]] = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": f"{_OFFICE}.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
_FORMATS: Final = {media: name for name, media in _DOCUMENTS.items()}
_VIDEOS: Final[Mapping[str, str]] = {
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "flv": "video/x-flv",
    "mpeg": "video/mpeg",
    "mpg": "video/mpg",
    "wmv": "video/x-ms-wmv",
    "three_gp": "video/3gpp",
}
_IMAGES: Final = frozenset(("png", "jpeg", "gif", "webp"))
_VIDEO_FORMATS: Final = {
    **{media: name for name, media in _VIDEOS.items()},
    **{f"video/{name}": name for name in ("mov", "flv", "wmv")},
}
_NAME: Final = re.compile(r"[^a-zA-Z0-9 ()\[\]-]+")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def read_image(fields: Fields, block: Mapping[str, Any]) -> Part:
    """An image. One in S3, which only Bedrock can read, is kept unchanged."""
    source = _source(fields)
    data = source.text("bytes")
    if data is None:
        return Opaque(NAME, "image", block)
    return Image(
        data=data,
        media_type=f"image/{fields.text('format') or 'png'}",
        extensions=_rest(fields, source),
    )


def read_audio(fields: Fields, block: Mapping[str, Any]) -> Part:
    """Audio; one in S3 is kept unchanged."""
    source = _source(fields)
    data = source.text("bytes")
    if data is None:
        return Opaque(NAME, "audio", block)
    return Audio(data=data, format=fields.text("format"), extensions=_rest(fields, source))


def read_video(fields: Fields, block: Mapping[str, Any]) -> Part:
    """Video, as a document of its type; kept unchanged if in S3 or of a Bedrock-only type."""
    source = _source(fields)
    data, media_type = source.text("bytes"), _VIDEOS.get(fields.text("format") or "")
    if data is None or media_type is None:
        return Opaque(NAME, "video", block)
    return Document(data=data, media_type=media_type, extensions=_rest(fields, source))


def read_document(fields: Fields, block: Mapping[str, Any]) -> Part:
    """A document, as bytes, as text or as blocks of text; one in S3 is kept unchanged."""
    source = _source(fields)
    data, text = source.text("bytes"), source.text("text")
    chunks = source.rest.get("content")
    if isinstance(chunks, list) and data is None and text is None:
        text = "\n".join(texts_of(chunks))
    if data is None and text is None:
        return Opaque(NAME, "document", block)
    form = fields.text("format")
    if form is not None and form not in _DOCUMENTS:
        fields.rest["format"] = form
    elif form is None:
        fields.rest["$format"] = None
    part = Document(
        data=data,
        text=text,
        media_type=_DOCUMENTS.get(form or ""),
        name=fields.text("name"),
    )
    kept = {NAME: {**_rest(fields, source).get(NAME, {}), "$own": True}}
    return replace(part, extensions={**kept, **document_note(block["document"], part)})


def _source(fields: Fields) -> Fields:
    value = fields.rest.pop("source", None)
    if not isinstance(value, dict):
        raise fields.wrong("source", "an object")
    return Fields(value, fields.where("source"), strict=fields.strict)


def _rest(fields: Fields, source: Fields) -> dict[str, dict[str, Any]]:
    if source.rest:
        fields.rest["source"] = source.rest
    return {NAME: fields.rest} if fields.rest else {}


def write_image(part: Image, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    """The `image` of a block; None if Bedrock cannot take it."""
    if part.data is not None:
        form = _image_format(part.media_type)
        source: dict[str, Any] = {"bytes": part.data}
    elif part.url is not None and part.url.startswith("s3://"):
        form = _image_format(f"image/{part.url.rpartition('.')[2]}")
        source = {"s3Location": {"uri": part.url}}
    else:
        feature = "images.url" if part.url is not None else "images.file_id"
        losses.append(_missing(feature, path, "an image"))
        return None
    if form not in _IMAGES and NAME not in part.extensions:
        detail = f"Bedrock takes no {form}: send PNG, JPEG, GIF or WebP"
        losses.append(Loss("images.media_type", path, "dropped", detail, breaks=True))
        return None
    if part.detail not in (None, "auto"):
        losses.append(Loss("images.detail", path, "dropped"))
    return _carried({"format": form, "source": source}, part)


def _missing(feature: str, path: str, what: str) -> Loss:
    detail = f"Bedrock takes {what} as bytes or from S3"
    return Loss(feature, path, "dropped", detail, breaks=True)


def _image_format(media_type: str | None) -> str:
    form = (media_type or "").partition(";")[0].rpartition("/")[2].strip().lower()
    return {"jpg": "jpeg", "": "png", "*": "png"}.get(form, form)


def write_audio(part: Audio) -> dict[str, Any]:
    """The `audio` of a block."""
    return _carried({"format": part.format or "wav", "source": {"bytes": part.data}}, part)


def write_video(part: Document, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    """The `video` of a block; None for a type that Bedrock does not accept."""
    media = _media_type(part)
    if media not in _VIDEO_FORMATS:
        detail = f"Bedrock takes no {media}"
        losses.append(Loss("documents.media_type", path, "dropped", detail, breaks=True))
        return None
    return _carried({"format": _VIDEO_FORMATS[media], "source": {"bytes": part.data}}, part)


def is_video(part: Document) -> bool:
    """Whether it is a video."""
    return part.data is not None and _media_type(part).startswith("video/")


def write_document(
    part: Document, path: str, losses: list[Loss], names: set[str]
) -> dict[str, Any] | None:
    """The `document` of a block, with a name that is unique in the request."""
    kept = {**document_members(part), **own(part.extensions, NAME)}
    if part.data is not None:
        source: dict[str, Any] = {"bytes": part.data}
    elif part.text is not None:
        chunks = own(kept, "source").get("content")
        same = chunks is not None and "\n".join(texts_of(chunks)) == part.text
        source = {"content": chunks} if same else {"text": part.text}
    elif part.url is not None and part.url.startswith("s3://"):
        source = {"s3Location": {"uri": part.url}}
    else:
        feature = "documents.url" if part.url is not None else "documents.file_id"
        losses.append(_missing(feature, path, "a document"))
        return None
    wire: dict[str, Any] = {"name": _document_name(part, names), "source": source}
    if "$format" not in kept:
        wire = {"format": kept.get("format") or _document_format(part), **wire}
    source |= {key: value for key, value in own(kept, "source").items() if key != "content"}
    return carry(wire, {NAME: kept}, NAME)


def _media_type(part: Document) -> str:
    return (part.media_type or "").partition(";")[0].strip().lower()


def _document_format(part: Document) -> str:
    media = _media_type(part)
    if media in _FORMATS:
        return _FORMATS[media]
    if part.text is not None or media.startswith("text/"):
        return "txt"
    name = part.name or part.url or ""
    suffix = name.rpartition(".")[2].lower()
    return suffix if suffix in _DOCUMENTS else "pdf"


def _document_name(part: Document, names: set[str]) -> str:
    if NAME in part.extensions and part.name is not None:
        names.add(part.name)
        return part.name
    plain = _NAME.sub(" ", _SUFFIX.sub("", part.name or "")).strip()[:190]
    name = plain = " ".join(plain.split()) or "document"
    number = 1
    while name in names:
        number += 1
        name = f"{plain} {number}"
    names.add(name)
    return name


def _carried(wire: dict[str, Any], part: Image | Audio | Document) -> dict[str, Any]:
    kept = own(part.extensions, NAME).get("source")
    if isinstance(kept, dict):
        wire["source"] = {**wire["source"], **kept}
    return carry(wire, part.extensions, NAME)
