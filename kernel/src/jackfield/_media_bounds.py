"""The most that an image, a sound or a document can be, and what an upload says of itself."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from jackfield.forms import field_spans
from jackfield.messages import Audio, Document, Image, Opaque, Part

if TYPE_CHECKING:
    from jackfield.exchange import Exchange

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

_LONGEST_SOUND: Final = 24 * 3_600_000
"""Milliseconds of a sound that only the provider has seen."""

_BYTES_A_SECOND: Final = 500
"""The least that a second of intelligible sound takes in a file."""

_LINKS: Final = (b'"http', b'"file', b'"s3', b'"gs:')
"""How JSON begins to name what is kept elsewhere."""

_LINK_FIELDS: Final = frozenset(("url", "file_url", "file_id"))
"""The fields of forms that do."""

_BACKSLASH: Final = 92  # found ten times as fast as text is
_NUMBER: Final = re.compile(rb"\s*\+?0*([0-9]{1,18})")


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


def lasting(size: int) -> int:
    """The most milliseconds that so many bytes of sound can last; of none it is not known."""
    return size * 1000 // _BYTES_A_SECOND or _LONGEST_SOUND


def images_requested(members: Mapping[str, Any]) -> int:
    """How many images a request asks for."""
    count = members.get("n")
    return count if type(count) is int and count > 0 else 1


def unread(exchange: "Exchange") -> tuple[int, Mapping[str, int]]:
    """Tokens, and the units of all kinds, at the most, of what is passed through unread."""
    body, (text, members) = exchange.request.body, read_body(exchange)
    size = len(body)
    sound, pages = lasting(size) if size else 0, size // 100 + 1
    tokens = size + IMAGE * (body.count(b"filename") + body.count(b";base64,"))
    lower = text.lower()
    if any(word in lower for word in _LINKS) or not _LINK_FIELDS.isdisjoint(members):
        tokens, sound, pages = _UNSEEN, max(sound, _LONGEST_SOUND), max(pages, _MOST_PAGES)
    units = {
        "characters": size,
        "audio_hour": sound,
        "image": images_requested(members),
        "page": pages,
        "annotated_page": pages,
    }
    return tokens, units


def read_body(exchange: "Exchange") -> tuple[bytes, Mapping[str, Any]]:
    """JSON in which names can be looked for, `speed` for `\\u0073peed`, and its members.

    Of a form there is no JSON; its members are the names of its fields, with the numbers they hold.
    """
    body = exchange.request.body
    try:
        tree = exchange.tree
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return b"", _fields_of_form(body, exchange.request.headers)
    if _BACKSLASH in body and b"\\u" in body:
        body = msgspec.json.encode(tree)
    return body, tree if type(tree) is dict else {}


def _fields_of_form(body: bytes, headers: Mapping[str, str]) -> Mapping[str, int]:
    def number(start: int, end: int) -> int:
        match = _NUMBER.match(body, start, end)
        return int(match[1]) if match else 0

    spans = field_spans(body, headers.get("content-type", ""))
    return {name: max(number(*span) for span in found) for name, found in spans.items()}
