"""The most tokens that an image, a sound or a document can have."""

from typing import Final

from jackfield.messages import Audio, Document, Image, Opaque, Part

IMAGE: Final = 50_000
"""GPT-4o mini counts up to 48,169 tokens for an image in detail; all others far fewer."""

_UNSEEN: Final = 2_000_000
"""What is named by an address or a file id can fill the longest context."""

_SOUND: Final = 16
"""Characters of base64 for one token of sound: 32 tokens a second at 4 kbit/s (Gemini)."""

_PAGE: Final = 8_000
"""A page of a document: its text and its image (Claude: 3,000 and 4,784)."""

_MOST_PAGES: Final = 1_000
_BYTES_OF_PAGE: Final = 256


def tokens_of_part(part: Part) -> tuple[int, int]:
    """Its tokens at the most, and how many bytes of the body it takes with its data."""
    if isinstance(part, Image):
        return IMAGE, len(part.data or "")
    if isinstance(part, Audio):
        data = len(part.data or "")
        return (data // _SOUND + 1 if data else _UNSEEN), data
    if isinstance(part, Document):
        return _document(part)
    if isinstance(part, Opaque):
        return _opaque(part)
    return 0, 0


def _document(part: Document) -> tuple[int, int]:
    if part.text is not None:
        return len(part.text.encode()), 0
    data = len(part.data or "")
    if not data:
        return _UNSEEN, 0
    media = part.media_type or ""
    if media.startswith("text/"):
        return data, data
    if media.startswith(("video/", "audio/")):
        return data, data  # a still picture takes hardly any bytes a second
    return min(_MOST_PAGES, data * 3 // 4 // _BYTES_OF_PAGE + 1) * _PAGE, data


def _opaque(part: Opaque) -> tuple[int, int]:
    """Only its own vendor knows what it is: what points elsewhere can be of any length."""
    text = repr(part.value)
    points = any(word in text for word in ("http", "file", "uri", "Uri", "s3", "_id"))
    return (_UNSEEN if points else 0), 0
