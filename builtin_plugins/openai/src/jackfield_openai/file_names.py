"""Names for files: OpenAI's API recognizes a file's type by its extension."""

import re
from collections.abc import Mapping
from mimetypes import guess_type
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


def file_name(media_type: str | None, name: str | None = None) -> str:
    """A name for a file of this type; without a type it is assumed to be a PDF.

    A given `name` without a known extension, as Bedrock demands it, gets one.
    """
    if name is not None and guess_type(name)[0] is not None:
        return name
    kind = (media_type or "application/pdf").partition(";")[0].strip().lower()
    plain = _PLAIN.fullmatch(kind)
    ending = _ENDINGS.get(kind) or (plain[1] if plain else "")
    return f"{name or 'document'}.{ending}" if ending else name or "document"
