"""A JSON object parsed field by field; what is not taken is kept as extensions."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from jackfield.errors import InvalidRequest
from jackfield.messages import Extensions

NAME = "gemini.generate_content"
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for invalid JSON, invalid UTF-8 and excessive nesting."""

_WHOLE = re.compile(r"-?[0-9]{1,18}")


@lru_cache(maxsize=1024)
def camel(key: str) -> str:
    """A field's name in Google's form; its servers accept `snake_case` too."""
    if "_" not in key or key.startswith("_"):
        return key
    head, *rest = key.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def body_fields(tree: Any) -> "Fields":
    """The fields of a request's body. Raises InvalidRequest unless it is a JSON object."""
    if not isinstance(tree, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return Fields(tree)


def object_in(data: bytes) -> dict[str, Any]:
    """The JSON object in some bytes; empty if there is none."""
    try:
        value = msgspec.json.decode(data)
    except UNREADABLE:
        return {}
    return value if isinstance(value, dict) else {}


class Fields:
    """The fields of `wire`, found at `path` of the request; `rest` has those not yet taken.

    All names are in camel case, whatever the client sent. An absent or null field reads as None,
    and a null one stays in `rest`. A wrong type raises InvalidRequest; if `strict` is false, as in
    responses, it reads as None instead.
    """

    __slots__ = ("path", "rest", "strict")

    def __init__(self, wire: Mapping[str, Any], path: str = "", *, strict: bool = True) -> None:
        # `$` is the prefix of the gateway's own notes.
        self.rest = {camel(key): value for key, value in wire.items() if key[:1] != "$"}
        self.path = path
        self.strict = strict

    def where(self, key: str) -> str:
        """The path of a field, for error messages."""
        return f"{self.path}.{key}" if self.path else key

    def text(self, key: str) -> str | None:
        """A string."""
        text: str | None = self._take(key, (str,), "a string")
        return text

    def integer(self, key: str) -> int | None:
        """A whole number; Google sends some as strings or with a zero fraction."""
        value: Any = self.rest.get(key)
        whole = _WHOLE.fullmatch(value) if isinstance(value, str) else None
        if whole or (isinstance(value, float) and value.is_integer()):
            self.rest[key] = int(value)
        number: int | None = self._take(key, (int,), "an integer")
        return number

    def number(self, key: str) -> float | None:
        """Any number."""
        number: float | None = self._take(key, (int, float), "a number")
        return number

    def flag(self, key: str) -> bool | None:
        """A boolean."""
        flag: bool | None = self._take(key, (bool,), "a boolean")
        return flag

    def table(self, key: str) -> dict[str, Any] | None:
        """An object, with its names unchanged."""
        table: dict[str, Any] | None = self._take(key, (dict,), "an object")
        return table

    def items(self, key: str) -> list[Any] | None:
        """An array; Google accepts a lone object as an array of one."""
        if isinstance(self.rest.get(key), dict):
            return [self.rest.pop(key)]
        items: list[Any] | None = self._take(key, (list,), "an array")
        return items

    def words(self, key: str) -> tuple[str, ...]:
        """An array of strings; empty if there is none."""
        items = self._take(key, (list,), "an array of strings")
        if items is None:
            return ()
        if not all(isinstance(item, str) for item in items):
            self.rest[key] = items
            if self.strict:
                raise self.wrong(key, "an array of strings")
            return ()
        return tuple(items)

    def inner(self, key: str) -> "Fields | None":
        """The fields of an object."""
        table = self.table(key)
        if table is None:
            return None
        return Fields(table, self.where(key), strict=self.strict)

    def wrong(self, key: str, what: str) -> InvalidRequest:
        """The error for a field that is not `what` it must be."""
        where = self.where(key)
        return InvalidRequest(f"'{where}' must be {what}.", param=where)

    def extensions(self) -> Extensions:
        """The fields not taken, under the dialect's name."""
        return {NAME: self.rest} if self.rest else {}

    def _take(self, key: str, kinds: tuple[type, ...], what: str) -> Any:
        value: Any = self.rest.get(key)
        if value is None:
            return None
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            if self.strict:
                raise self.wrong(key, what)
            return None
        return self.rest.pop(key)


def own(extensions: Extensions) -> Mapping[str, Any]:
    """The extensions of this dialect."""
    return extensions.get(NAME, {})


def carry(wire: dict[str, Any], extensions: Extensions) -> dict[str, Any]:
    """Put extensions back; canonical values take precedence. `$` marks the gateway's notes."""
    for key, value in own(extensions).items():
        if key[:1] != "$" and wire.get(key) is None:
            wire[key] = value
    return wire
