"""Ids of tool calls: Mistral takes nine letters and digits, and nothing else."""

import re
from hashlib import sha256
from typing import Final

_VALID: Final = re.compile(r"[a-zA-Z0-9]{9}")
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_LENGTH: Final = 9


def short_id(identity: str) -> str:
    """The id as Mistral takes it: always the same for the same id, so that calls and results pair.

    Two ids of one conversation become the same once in 10^15 times.
    """
    if _VALID.fullmatch(identity):
        return identity
    number = int.from_bytes(sha256(identity.encode("utf-8", "surrogatepass")).digest())
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
