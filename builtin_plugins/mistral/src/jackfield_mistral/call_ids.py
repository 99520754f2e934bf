"""Ids of tool calls: Mistral only accepts nine letters and digits."""

import re
from hashlib import sha256
from typing import Final

_VALID: Final = re.compile(r"[a-zA-Z0-9]{9}")
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 9


def short_id(identity: str) -> str:
    """A deterministic id that Mistral accepts, so that calls and results still match.

    Two ids of one conversation collide with a probability of 1 in 10^15.
    """
    if _VALID.fullmatch(identity):
        return identity
    number = int.from_bytes(sha256(identity.encode("utf-8", "surrogatepass")).digest())
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
