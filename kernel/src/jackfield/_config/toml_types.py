"""How Python types are written in TOML, and what they are called in messages."""

import datetime as dt
import types
from collections.abc import Mapping, Sequence, Set
from enum import Enum
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, Union, get_args, get_origin

import attrs

from jackfield._config.toml_text import toml_text

SHAPES: dict[type, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    dt.datetime: "date and time",
    dt.date: "date",
    dt.time: "time",
    list: "array",
    dict: "table",
}

_FACTORY: type[Any] = type(attrs.Factory(list))


class FromText(Protocol):
    """A class whose instances are written as one string.

    `from_text` raises ValueError, whose message says what is wrong and how to fix it; `toml_name`
    is what the reference and the error messages call it.
    """

    toml_name: ClassVar[str]

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Parse the string."""
        ...


def is_from_text(kind: Any) -> bool:
    """Whether `kind` is a class that has the two members of `FromText`."""
    return isinstance(kind, type) and hasattr(kind, "from_text") and hasattr(kind, "toml_name")


def is_union(kind: Any) -> bool:
    """Whether `kind` is a union, in either spelling."""
    return get_origin(kind) in (Union, types.UnionType)


def is_annotated(kind: Any) -> bool:
    """Whether `kind` is an `Annotated` type, whose metadata is ignored here."""
    return get_origin(kind) is Annotated


def is_array(kind: Any) -> bool:
    """Whether `kind` is a list, a tuple or a set."""
    return (get_origin(kind) or kind) in (list, tuple, set, frozenset, Sequence, Set)


def is_table(kind: Any) -> bool:
    """Whether `kind` is a mapping with arbitrary keys; attrs classes have fixed ones."""
    return (get_origin(kind) or kind) in (dict, Mapping)


def is_record(kind: Any) -> bool:
    """Whether `kind` is an attrs class that is written as a table."""
    return attrs.has(kind) and not is_from_text(kind)


def default_of(attribute: "attrs.Attribute[Any]") -> Any:
    """The default of a field; NOTHING if it has none, or one that depends on other fields."""
    default = attribute.default
    if not isinstance(default, _FACTORY):
        return default
    return attrs.NOTHING if default.takes_self else default.factory()


def choices(kind: Any) -> tuple[Any, ...]:
    """The values of a `Literal` or an enum, as in TOML; empty for any other type."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(member.value for member in kind)
    return ()


def union_members(kind: Any) -> tuple[Any, ...]:
    """The members of a union except None, which TOML cannot express; else `kind` alone."""
    if not is_union(kind):
        return (kind,)
    return tuple(member for member in get_args(kind) if member is not types.NoneType)


def unwrapped(kind: Any) -> Any:
    """The type behind `Annotated` and `NewType`."""
    while is_annotated(kind) or hasattr(kind, "__supertype__"):
        kind = get_args(kind)[0] if is_annotated(kind) else kind.__supertype__
    return kind


def accepts(kind: Any, value: object) -> bool:
    """Whether `value`, as parsed by tomllib, has the outer type that `kind` requires."""
    shapes = _shapes(kind)
    return type(value) in shapes or object in shapes


@lru_cache(maxsize=1024)
def _shapes(kind: Any) -> frozenset[type]:
    """The types of tomllib that fit; `object` stands for all."""
    kind = unwrapped(kind)
    if is_union(kind):
        return frozenset().union(*map(_shapes, union_members(kind)))
    if choices(kind):
        return frozenset(map(type, choices(kind)))
    return frozenset((float, int) if kind is float else (_shape(kind),))


def _shape(kind: Any) -> type:
    if is_from_text(kind) or kind is Path:
        return str
    if is_array(kind):
        return list
    if is_table(kind) or is_record(kind):
        return dict
    return kind if isinstance(kind, type) else object


def type_name(kind: Any) -> str:
    """What a person calls the type: `integer`, `"text" or "json"`, `array of strings`."""
    kind = unwrapped(kind)
    if is_union(kind):
        return _either([type_name(member) for member in union_members(kind)])
    if choices(kind):
        return _either([toml_text(choice) for choice in choices(kind)])
    if is_array(kind):
        return _container("array", get_args(kind)[:1])
    if is_table(kind):
        return _container("table", get_args(kind)[1:])
    return _class_name(kind)


def _class_name(kind: Any) -> str:
    if is_from_text(kind):
        return str(kind.toml_name)
    if kind is Path:
        return "path"
    return "table" if is_record(kind) else SHAPES.get(kind, "any value")


def _container(name: str, items: tuple[Any, ...]) -> str:
    if not items or unwrapped(items[0]) is Any:
        return name
    members = union_members(unwrapped(items[0]))
    return f"{name} of {_either([_plural(type_name(member)) for member in members])}"


def _plural(name: str) -> str:
    if name.startswith('"'):
        return name
    head, of, rest = name.partition(" of ")
    return f"{head}{'es' if head.endswith('s') else 's'}{of}{rest}"


def _either(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    return " or ".join([", ".join(unique[:-1]), unique[-1]] if len(unique) > 1 else unique)
