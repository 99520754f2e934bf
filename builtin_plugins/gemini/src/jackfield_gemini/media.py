"""Inline data and files: images, audio and documents in contents."""

import re
from mimetypes import guess_type
from typing import Any

from jackfield.dialects import Loss
from jackfield.messages import Audio, Document, Extensions, Image

from .fields import NAME, Fields, carry, own

Media = Image | Audio | Document
_OWN_FILES = ("https://generativelanguage.googleapis.com/", "gs://", "files/")
_AUDIO_TYPES = {"mp3": "audio/mp3", "wav": "audio/wav", "pcm16": "audio/pcm;rate=24000"}
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "pcm": "pcm16", "l16": "pcm16"}
_DETAILS = {
    "MEDIA_RESOLUTION_LOW": "low",
    "MEDIA_RESOLUTION_HIGH": "high",
    "MEDIA_RESOLUTION_ULTRA_HIGH": "high",
}
_URL_SAFE = "$base64url"
"""The note with the padding of data in URL-safe base64, which Google accepts too."""


def read_inline(fields: Fields) -> Media | None:
    """The media in `inlineData`; None if it is malformed and parsing is lenient."""
    inner = fields.inner("inlineData")
    data = inner.text("data") if inner else None
    if inner is None or data is None:
        if fields.strict:
            raise fields.wrong("inlineData.data", "a string of base64")
        return None
    media_type = inner.text("mimeType")
    if inner.rest:
        fields.rest["inlineData"] = inner.rest
    if _is_url_safe(data):
        data, fields.rest[_URL_SAFE] = _standard(data)
    kind = (media_type or "").partition("/")[0].lower()
    if kind == "image":
        detail = _detail(fields)
        return Image(None, data, media_type, detail=detail, extensions=fields.extensions())
    if kind == "audio":
        fields.rest["$mimeType"] = media_type
        return Audio(data=data, format=audio_format(media_type), extensions=fields.extensions())
    shown = inner.rest.get("displayName")
    name = shown if isinstance(shown, str) else None
    return Document(None, data, None, media_type, name=name, extensions=fields.extensions())


def _detail(fields: Fields) -> str | None:
    """How closely the model looks at an image; the original value stays as well."""
    resolution = fields.rest.get("mediaResolution")
    level = resolution.get("level") if isinstance(resolution, dict) else None
    return _DETAILS.get(level) if isinstance(level, str) else None


def _is_url_safe(data: str) -> bool:
    other = "-" in data or "_" in data or len(data) % 4 != 0
    return other and "+" not in data and "/" not in data


def _standard(data: str) -> tuple[str, int]:
    """Data in the standard base64 alphabet, and how much padding had to be added."""
    missing = -len(data) % 4 if len(data) % 4 > 1 else 0
    return data.replace("-", "+").replace("_", "/") + "=" * missing, missing


def _url_safe(data: str, missing: int) -> str:
    return data.replace("+", "-").replace("/", "_")[: len(data) - missing]


def audio_format(media_type: str | None) -> str | None:
    """The canonical name of an audio format."""
    subtype = (media_type or "").partition("/")[2].partition(";")[0].lower()
    return _AUDIO_FORMATS.get(subtype, subtype) or None


def read_file(fields: Fields) -> Media | None:
    """The file that `fileData` refers to."""
    inner = fields.inner("fileData")
    uri = inner.text("fileUri") if inner else None
    if inner is None or uri is None:
        if fields.strict:
            raise fields.wrong("fileData.fileUri", "a string")
        return None
    media_type = inner.text("mimeType")
    if inner.rest:
        fields.rest["fileData"] = inner.rest
    where: dict[str, str] = {"file_id" if uri.startswith(_OWN_FILES) else "url": uri}
    if (media_type or "").startswith("image/"):
        detail = _detail(fields)
        return Image(**where, media_type=media_type, detail=detail, extensions=fields.extensions())
    shown = inner.rest.get("displayName")
    name = shown if isinstance(shown, str) else None
    return Document(**where, media_type=media_type, name=name, extensions=fields.extensions())


def write_media(part: Media, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    """The part for a medium, or None if Gemini has none."""
    if isinstance(part, Audio):
        return _write_audio(part, path, losses)
    if isinstance(part, Document) and part.text is not None:
        losses.append(Loss("documents.text", path, "approximated", "rendered as text"))
        text = f"{part.name}\n\n{part.text}" if part.name else part.text
        return carry({"text": text}, part.extensions)
    if NAME not in part.extensions:
        losses += _unsaid(part, path)
    if part.data is not None:
        default = "image/png" if isinstance(part, Image) else "application/pdf"
        return _inline(part.data, _media_type(part, default), part.extensions)
    return _write_file(part, path, losses)


def _unsaid(part: Image | Document, path: str) -> list[Loss]:
    if isinstance(part, Image):
        closely = part.detail not in (None, "auto")
        return [Loss("images.detail", path, "dropped")] if closely else []
    detail = "sent without its name"
    return [Loss("documents.name", path, "approximated", detail)] if part.name else []


def _media_type(part: Image | Document, default: str) -> str | None:
    return part.media_type or (None if NAME in part.extensions else default)


def _write_audio(part: Audio, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    if part.data is None:
        if part.transcript:
            detail = "its transcript as text"
            losses.append(Loss("audio", path, "approximated", detail))
            return {"text": part.transcript}
        losses.append(Loss("audio", path, "dropped", "Gemini takes no audio by id", breaks=True))
        return None
    if part.transcript:
        losses.append(lost_transcript(path))
    form = part.format or "wav"
    media_type = own(part.extensions).get("$mimeType") or _AUDIO_TYPES.get(form, f"audio/{form}")
    return _inline(part.data, media_type, part.extensions)


def lost_transcript(path: str) -> Loss:
    """The loss of the words of a sound that is there itself."""
    return Loss("audio.transcript", path, "dropped", "Gemini has the sound alone")


def _inline(data: str, media_type: str | None, extensions: Extensions) -> dict[str, Any]:
    missing = own(extensions).get(_URL_SAFE)
    if missing is not None:
        data = _url_safe(data, missing)
    inner = {"data": data} | ({"mimeType": media_type} if media_type else {})
    return _nested("inlineData", inner, extensions)


def _write_file(part: Image | Document, path: str, losses: list[Loss]) -> dict[str, Any] | None:
    uri = part.url or part.file_id
    feature = "images" if isinstance(part, Image) else "documents"
    if uri is None:
        losses.append(Loss(f"{feature}.empty", path, "dropped", breaks=True))
        return None
    if part.url is None and not uri.startswith(_OWN_FILES):
        detail = "the file is stored with another vendor"
        losses.append(Loss(f"{feature}.file_id", path, "dropped", detail, breaks=True))
        return None
    media_type = part.media_type
    if media_type is None and NAME not in part.extensions:
        # Not by parsing it, which fails on some: what is no address is Google's to refuse.
        media_type = guess_type(re.split("[?#]", uri, maxsplit=1)[0].rpartition("/")[2])[0]
    inner = {"fileUri": uri} | ({"mimeType": media_type} if media_type else {})
    return _nested("fileData", inner, part.extensions)


def _nested(kind: str, inner: dict[str, Any], extensions: Extensions) -> dict[str, Any]:
    kept = own(extensions).get(kind)
    return carry({kind: {**kept, **inner} if isinstance(kept, dict) else inner}, extensions)
