"""JSON as the gateway accepts it: RFC 8259 without duplicate keys, within limits.

When two parsers disagree, a guardrail may read one thing and a provider another. So what parsers
are known to read differently is refused here: duplicate keys, NaN, lone surrogates, a BOM; and in
the body's top-level object, since Go's parser ignores the case of letters, names that differ only
in case.
"""

import json
import re
from collections.abc import Container
from typing import Any, NoReturn

import msgspec

from jackfield.errors import InvalidRequest

MAX_DEPTH = 64
"""Objects and arrays inside one another."""
MAX_KEYS = 10_000
"""Keys in all objects of one body together."""
MAX_VALUES = 500_000
"""Values of one body: its commas and opening brackets. Reading more takes too long."""
MAX_NUMBERS = 3_000_000
"""Commas of a provider's answer, whose vectors are long. Reading them takes a quarter second."""
MAX_STRING = 8 << 20
"""Bytes of one string, as written."""
MAX_DIGITS = 20
"""Digits of one integer; 64 bits need no more."""
MOST_COUNTED = 1 << 53
"""Where counts end, as other languages' numbers do."""

_UNREADABLE = -(1 << 60)

_LIMITS = ("n", "max_tokens", "max_completion_tokens", "max_output_tokens")
_JUDGED = frozenset(("model", "models", "fallbacks", "stream", "service_tier", *_LIMITS))
"""Members by which a request is judged. No API has them in letters of another case."""

_BEFORE_VALUES = (b",", b"[", b"{")
_BACKSLASH = 92  # found ten times as fast as b"\\" is
_LONG_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    r"|\\."
)


class _Object(msgspec.Struct):
    """Any JSON object: its members are skipped, but must be valid JSON."""


_decode_quickly = msgspec.json.Decoder().decode
_check_object = msgspec.json.Decoder(_Object).decode
_encode = msgspec.json.Encoder().encode
_encode_in_64_bits = msgspec.msgpack.Encoder().encode  # OverflowError for a larger integer


def decode(body: bytes) -> Any:
    """The value of `body`: dict, list, str, int, float, bool or None.

    Raises InvalidRequest, saying what is wrong and where; for a duplicate key `param` names it.
    """
    if len(body) > MAX_VALUES:
        _check_values(body)
    if _BACKSLASH not in body or b"\\u003" not in body:
        colons = body.count(b":")
        try:
            tree = _decode_quickly(body)
            # A colon in a string survives decoding and encoding, unless it was written \u003a, so
            # the two counts differ by the keys that the fast parser merged and by their contents.
            if (
                _encode(tree).count(b":") == colons
                and _is_within_bounds(body, tree, colons)
                and not (type(tree) is dict and _has_twins(tree))
            ):
                _check_strings(body)
                return tree
        except (ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
            pass  # the exact reader below words the error, or finds nothing wrong
    return _decode_exactly(body)


def number_in(value: Any) -> int | None:
    """The number that a server may read in a JSON value: some convert strings, and cut fractions.

    None if there is none.
    """
    if type(value) is int:
        return value
    try:
        return int(float(value)) if isinstance(value, str | float) else None
    except OverflowError:  # more than any limit
        return MOST_COUNTED
    except ValueError:
        return None


def count_in(value: Any) -> int:
    """A count of tokens in a provider's answer; 0 if there is none.

    For anything but a whole number it is so far below 0 that sums with other counts are, too: a
    usage with such a count is not believed.
    """
    if type(value) is int and 0 <= value < MOST_COUNTED:
        return value
    if value is None:
        return 0
    whole = type(value) is float and 0 <= value < MOST_COUNTED and value.is_integer()
    return int(value) if whole else _UNREADABLE


def is_object(data: bytes) -> bool:
    """Whether a provider's data is a JSON object."""
    try:
        _check_object(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def is_unwieldy(answer: bytes) -> bool:
    """Whether reading a provider's JSON would stop the event loop, and take much memory.

    Objects and arrays cost most, so there may be fewer of them than of other values.
    """
    if len(answer) <= MAX_VALUES:
        return False
    nested = answer.count(b"[") + answer.count(b"{")
    return nested > MAX_VALUES or answer.count(b",") > MAX_NUMBERS


def _check_values(body: bytes) -> None:
    """Refuse a body of too many values, before it is read; commas in its strings do not count."""
    if sum(map(body.count, _BEFORE_VALUES)) > MAX_VALUES:
        parts = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
        if sum(map(b"".join(parts[::2]).count, _BEFORE_VALUES)) > MAX_VALUES:
            _refuse(f"it has more than {MAX_VALUES} values")


def _is_within_bounds(body: bytes, tree: Any, colons: int) -> bool:
    _encode_in_64_bits(tree)
    if colons <= MAX_KEYS and body.count(b"{") + body.count(b"[") <= MAX_DEPTH:
        return True
    depth, keys = _measure(tree)
    return depth <= MAX_DEPTH and keys <= MAX_KEYS


def _has_twins(members: dict[str, Any]) -> bool:
    """Whether two names, or a name and one that the gateway reads, differ only in case."""
    names = "".join(members)
    if names.islower() and names.isascii():
        return False
    folded = {name.casefold() for name in members}
    return len(folded) != len(members) or not (folded & _JUDGED <= members.keys())


def _measure(tree: Any) -> tuple[int, int]:
    depth, keys = 0, 0
    level = [tree] if isinstance(tree, dict | list) else []
    while level and depth <= MAX_DEPTH:
        depth += 1
        children: list[Any] = []
        for parent in level:
            if type(parent) is dict:
                keys += len(parent)
                children += parent.values()
            else:
                children += parent
        level = [child for child in children if type(child) is dict or type(child) is list]
    return depth, keys


def _decode_exactly(body: bytes) -> Any:
    text = _text_of(body)
    try:
        tree = json.JSONDecoder(
            object_pairs_hook=_KeyCounter().object_of,
            parse_int=_integer,
            parse_float=_number,
            parse_constant=_constant,
        ).decode(text)
    except json.JSONDecodeError as error:
        _refuse(f"{error.msg} at line {error.lineno}, column {error.colno}")
    except RecursionError:
        raise _too_deep() from None
    if _measure(tree)[0] > MAX_DEPTH:
        raise _too_deep()
    if type(tree) is dict:
        check_twins(tree)
    _check_surrogates(text)
    _check_strings(body)
    return tree


def _text_of(body: bytes) -> str:
    if not body.strip():
        _refuse("it is empty")
    if body.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        _refuse("it begins with a byte order mark; send UTF-8 without one")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        _refuse(f"it is not UTF-8 at byte {error.start}")


class _KeyCounter:
    __slots__ = ("keys",)

    def __init__(self) -> None:
        self.keys = 0

    def object_of(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self.keys += len(pairs)
        if self.keys > MAX_KEYS:
            _refuse(f"it has more than {MAX_KEYS} keys")
        made = dict(pairs)
        if len(made) != len(pairs):
            seen: set[str] = set()
            for key, _ in pairs:
                if key in seen:
                    _refuse(f"the key {_shown(key)} stands twice in one object", param=key[:64])
                seen.add(key)
        return made


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        _refuse(f"the integer {digits[:12]}… has more than {MAX_DIGITS} digits")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if number - number != 0.0:
        _refuse(f"the number {digits[:24]} is too large")
    return number


def _constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a JSON value")


def check_twins(members: dict[str, Any], judged: Container[object] = _JUDGED) -> None:
    """Refuse two names, or one and a `judged` one, that differ only in case.

    Raises InvalidRequest.
    """
    seen: set[str] = set()
    for name in members:
        plain = name.casefold()
        if plain in seen or (plain in judged and plain != name):
            raise InvalidRequest(
                f"Some servers read the key {_shown(name)} as {_shown(plain)}, for they overlook"
                " the letters' case: leave it out, or write it as the API does.",
                param=name[:64],
            )
        seen.add(plain)


def _check_surrogates(text: str) -> None:
    if "\\u" not in text:
        return
    for match in _ESCAPE.finditer(text):
        if match["lone"]:
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            _refuse(f"{match['lone']} is half of a surrogate pair at line {line}, column {column}")


def _check_strings(body: bytes) -> None:
    if len(body) <= MAX_STRING:
        return
    for match in _LONG_STRING.finditer(body):
        if match.end() - match.start() - 2 > MAX_STRING:
            _refuse(f"the string at byte {match.start()} is longer than {MAX_STRING} bytes")


def _too_deep() -> InvalidRequest:
    return InvalidRequest(
        f"The body cannot be accepted: it is nested deeper than {MAX_DEPTH} levels."
    )


def _refuse(reason: str, *, param: str | None = None) -> NoReturn:
    raise InvalidRequest(f"The body is not valid JSON: {reason}.", param=param)


def _shown(key: str) -> str:
    return json.dumps(key if len(key) <= 64 else key[:64] + "…")
