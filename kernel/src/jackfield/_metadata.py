"""A caller's own labels for its request: a header with an object of short strings."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from jackfield.errors import InvalidRequest

HEADER: Final = "x-jackfield-metadata"
_MOST: Final = 16
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,64}")
_LONGEST: Final = 256
_decode = msgspec.json.Decoder(dict[str, str]).decode


def read_metadata(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The members of the header's object; none without the header. Raises InvalidRequest."""
    text = headers.get(HEADER)
    if text is None:
        return {}
    try:
        metadata = _decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _invalid('must be a JSON object of strings, as in {"session": "42"}') from error
    if len(metadata) > _MOST:
        raise _invalid(f"may have {_MOST} members at the most")
    for name, value in metadata.items():
        if not _NAME.fullmatch(name):
            raise _invalid("has a name that is not 1 to 64 of a-z, 0-9, _, . and -")
        if len(value) > _LONGEST or not value.isprintable():
            raise _invalid(f"must have values of at most {_LONGEST} printable characters")
    return metadata


def _invalid(what: str) -> InvalidRequest:
    return InvalidRequest(f"The header {HEADER} {what}.", param=HEADER)
