"""Reads a JSON object field by field; fields that nobody takes remain to be carried along."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from jackfield.errors import InvalidRequest
from jackfield.messages import Extensions

_decode = msgspec.json.Decoder().decode
_T = TypeVar("_T")


def object_fields(value: Any, path: str = "", *, strict: bool = True) -> "Fields":
    """The fields of the value at `path`. Raises InvalidRequest unless it is a JSON object."""
    if not isinstance(value, dict):
        where = f"'{path}'" if path else "The body"
        raise InvalidRequest(f"{where} must be a JSON object.", param=path or None)
    return Fields(value, path, strict=strict)


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object that a provider sent. Raises ValueError if it is not one."""
    try:
        tree = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("the body is not JSON") from error
    if not isinstance(tree, dict):
        raise ValueError("the body is not a JSON object")
    return tree


class Fields:
    """The fields of `wire`, which is at `path` in the request; `rest` shrinks as they are taken.

    An absent or null field reads as None. Null and empty fields stay in `rest`, so that they come
    back out unchanged. A wrong type raises InvalidRequest; if `strict` is false, as for responses,
    it reads as None instead.
    """

    __slots__ = ("path", "rest", "strict")

    def __init__(self, wire: Mapping[str, Any], path: str = "", *, strict: bool = True) -> None:
        self.rest = dict(wire)
        self.path = path
        self.strict = strict

    def where(self, key: str) -> str:
        """The path of a field as errors name it."""
        return f"{self.path}.{key}" if self.path else key

    def text(self, key: str) -> str | None:
        """A string that is not empty."""
        return self._taken(key, "a string", str)

    def integer(self, key: str) -> int | None:
        """A whole number."""
        return self._taken(key, "an integer", int)

    def number(self, key: str) -> float | None:
        """Any number."""
        whole = type(self.rest.get(key)) is int
        return self._taken(key, "a number", int if whole else float)

    def flag(self, key: str) -> bool | None:
        """True or false."""
        return self._taken(key, "a boolean", bool)

    def items(self, key: str) -> list[Any]:
        """An array; empty if there is none."""
        return self._taken(key, "an array", list) or []

    def table(self, key: str) -> dict[str, Any] | None:
        """An object that is not empty."""
        return self._taken(key, "an object", dict)

    def needed_text(self, key: str) -> str:
        """A required string, which may be empty."""
        value = self.rest.pop(key, None)
        if not isinstance(value, str):
            raise self.wrong(key, "a string")
        return value

    def needed_table(self, key: str) -> "Fields":
        """The fields of a required object."""
        value = self.rest.pop(key, None)
        if not isinstance(value, dict):
            raise self.wrong(key, "an object")
        return Fields(value, self.where(key), strict=self.strict)

    def inner(self, key: str) -> "Fields | None":
        """The fields of an object that is not empty."""
        table = self.table(key)
        return Fields(table, self.where(key), strict=self.strict) if table else None

    def wrong(self, key: str, what: str) -> InvalidRequest:
        """The error for a field that is not `what` it must be."""
        where = self.where(key)
        return InvalidRequest(f"'{where}' must be {what}.", param=where)

    def extensions(self, dialect: str) -> Extensions:
        """The fields that nobody took, under the dialect's name."""
        return {dialect: self.rest} if self.rest else {}

    def _taken(self, key: str, what: str, kind: type[_T]) -> _T | None:
        """The value of a field if it is of this kind and not empty; 0 and False are not empty."""
        value = self.rest.get(key)
        if type(value) is kind:
            if value or kind in (int, float, bool):
                del self.rest[key]
                return value
        elif value is not None and self.strict:
            raise self.wrong(key, what)
        return None


def taken_text(rest: dict[str, Any], key: str) -> str:
    """Take a string out of `rest`; if it is empty or not a string, return "" and leave it."""
    text = rest.get(key)
    if type(text) is not str or not text:
        return ""
    del rest[key]
    return text


def own(extensions: Extensions, dialect: str) -> Mapping[str, Any]:
    """What `dialect` itself left in the extensions."""
    return extensions.get(dialect, {})


def carry(wire: dict[str, Any], extensions: Extensions, dialect: str) -> dict[str, Any]:
    """Put carried fields back; the canonical form takes precedence. `$` marks notes on form."""
    kept = extensions.get(dialect)
    if kept:
        for key, value in kept.items():
            if not key.startswith("$") and wire.get(key) is None:
                wire[key] = value
    return wire
