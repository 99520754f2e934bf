"""Names for nameless files: OpenAI's API recognizes a file's type by its extension."""

import re
from collections.abc import Mapping
from typing import Final

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_ENDINGS: Final[Mapping[str, str]] = {
    "text/plain": "txt",
    "text/markdown": "md",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}.presentationml.presentation": "pptx",
}
_PLAIN: Final = re.compile(r"[a-z]+/(?:x-)?([a-z0-9]{1,5})")
"""A media type that equals the file extension, such as `text/csv`."""


def file_name(media_type: str | None) -> str:
    """A name for a file of this type; without a type it is assumed to be a PDF."""
    kind = (media_type or "application/pdf").partition(";")[0].strip().lower()
    plain = _PLAIN.fullmatch(kind)
    ending = _ENDINGS.get(kind) or (plain[1] if plain else "")
    return f"document.{ending}" if ending else "document"
