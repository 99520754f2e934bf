"""The text of a key, `jf-<id>-<secret>-<checksum>`: generates and parses it."""

import re
import secrets
import string
from typing import Final, NamedTuple
from zlib import crc32

PREFIX: Final = "jf-"
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 43
"""Characters out of 62, which are 256 bits."""

_DIGITS: Final = string.digits + string.ascii_lowercase + string.ascii_uppercase
_ID_DIGITS: Final = string.digits + string.ascii_lowercase
_CHECKSUM_LENGTH: Final = 6
_WHOLE: Final = re.compile(
    rf"jf-([0-9a-z]{{{ID_LENGTH}}})-([0-9A-Za-z]{{{SECRET_LENGTH}}})-"
    rf"([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})",
    re.ASCII,
)
_PART: Final = re.compile(r"jf-[0-9a-z]{4}", re.IGNORECASE)


class KeyText(NamedTuple):
    """The two parts of a key: `id` is public, `secret` is not."""

    id: str
    secret: str

    def __repr__(self) -> str:
        return f"KeyText({self.id!r}, ***)"


def new_key_text(key_id: str | None = None) -> KeyText:
    """Generate a key, or another secret for an existing id."""
    key_id = key_id or "".join(secrets.choice(_ID_DIGITS) for _ in range(ID_LENGTH))
    return KeyText(key_id, "".join(secrets.choice(_DIGITS) for _ in range(SECRET_LENGTH)))


def written(key: KeyText) -> str:
    """The key as it is shown, once, to its owner."""
    text = f"{PREFIX}{key.id}-{key.secret}"
    return f"{text}-{_checksum(text)}"


def read_key(text: str) -> KeyText | None:
    """Parse a key; None if it is mistyped, truncated, or not a key of a gateway."""
    match = _WHOLE.fullmatch(text)
    if match is None or _checksum(text[: -_CHECKSUM_LENGTH - 1]) != match[3]:
        return None
    return KeyText(match[1], match[2])


def is_key_like(text: str) -> bool:
    """Whether a text looks like a key of a gateway, or contains one in whole or in part."""
    return PREFIX in text.lower() and _PART.search(text) is not None


def holds_key(text: str) -> bool:
    """Whether a text contains a whole key, or what looks like one."""
    return PREFIX in text and _WHOLE.search(text) is not None


def _checksum(text: str) -> str:
    number, digits = crc32(text.encode()), ""
    for _ in range(_CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return digits
