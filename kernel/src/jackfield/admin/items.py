"""Items as JSON: read strictly, written plainly, digested for auditors."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs
import msgspec
from cattrs import BaseConverter

from jackfield._config.structure import StructureError, make_converter, structure_table
from jackfield._config.toml_text import path_text
from jackfield._config.toml_types import is_from_text
from jackfield.admin.attributes import attributes_of
from jackfield.errors import InvalidRequest

T = TypeVar("T")

_SHAPELESS: Final = "`null` stands for a member that is left out; an array cannot hold it."


def read_item(cls: type[T], tree: Mapping[str, Any]) -> T:
    """Make an item from JSON. Raises InvalidRequest, which lists every problem."""
    try:
        made: T = structure_table(_converter(), _prepared(cls, tree), cls)
    except StructureError as error:
        messages = [f"{path_text(one.path)}: {one.message}".lstrip(": ") for one in error.problems]
        first = error.problems[0].path
        raise InvalidRequest("; ".join(messages), param=path_text(first) or None) from None
    return made


def stored_item(cls: type[T], tree: Mapping[str, Any]) -> T:
    """Make an item from stored JSON. Fields of another version of its class are ignored."""
    made: T = structure_table(_converter(), _prepared(cls, tree), cls, reserved=tuple(tree))
    return made


def plain(value: Any) -> Any:
    """A value as JSON; members that are None are left out."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return _plain_structure(value)


def merged(tree: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object after a merge patch (RFC 7396)."""
    result = dict(tree)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            below = result.get(key)
            result[key] = merged(below if isinstance(below, dict) else {}, value)
        else:
            result[key] = value
    return result


def digest(item: Any) -> str:
    """What distinguishes one state of an item from another, without its secrets; "" for none."""
    if item is None:
        return ""
    attributes = attributes_of(type(item))
    shown = {key: one for key, one in plain(item).items() if not attributes[key].rights.secret}
    return hashlib.sha256(msgspec.json.encode(shown, order="sorted")).hexdigest()


def differing(before: Any, after: Any) -> tuple[str, ...]:
    """The fields in which two states of an item differ; one of them may be None."""
    old = plain(before) if before is not None else {}
    new = plain(after) if after is not None else {}
    return tuple(key for key in {**old, **new} if old.get(key) != new.get(key))


@cache
def _converter() -> BaseConverter:
    return make_converter(Path("/"))


def _plain_structure(value: Any) -> Any:
    if attrs.has(type(value)) and not is_from_text(type(value)):
        members = ((field.alias, getattr(value, field.name)) for field in attrs.fields(type(value)))
        return {key: plain(member) for key, member in members if member is not None}
    if isinstance(value, Mapping):
        return {str(key): plain(member) for key, member in value.items() if member is not None}
    if isinstance(value, set | frozenset):
        return sorted(plain(member) for member in value)
    if isinstance(value, list | tuple):
        return [plain(member) for member in value]
    return str(value)


def _prepared(cls: type[Any], tree: Mapping[str, Any]) -> dict[str, Any]:
    """JSON as if it had come from TOML, which has dates but no null."""
    unknown = {key: value for key, value in tree.items() if key not in attributes_of(cls)}
    prepared: dict[str, Any] = {**_without_nulls(tree), **unknown}
    for key, attribute in attributes_of(cls).items():
        if dt.datetime in attribute.kinds and isinstance(prepared.get(key), str):
            prepared[key] = _moment(key, prepared[key])
    return prepared


def _without_nulls(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _without_nulls(value) for key, value in tree.items() if value is not None}
    if isinstance(tree, list):
        if None in tree:
            raise InvalidRequest(_SHAPELESS)
        return [_without_nulls(value) for value in tree]
    return tree


def _moment(key: str, text: str) -> dt.datetime:
    with suppress(ValueError):
        moment = dt.datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment
    raise InvalidRequest(
        f"{key}: expected a date and time with its offset from UTC, such as 2027-01-31T00:00:00Z",
        param=key,
    )
