"""The documentation of configuration keys, kept where they are declared."""

from collections.abc import Iterator
from typing import Any, TypeVar, cast, get_args

import attrs
from attrs import frozen

from jackfield._config.toml_text import path_text, toml_text
from jackfield._config.toml_types import (
    default_of,
    is_array,
    is_record,
    is_table,
    is_union,
    type_name,
    unwrapped,
)

T = TypeVar("T")


def option(default: T = attrs.NOTHING, doc: str = "", *, validator: Any = None) -> T:  # type: ignore[assignment]
    """Declare a documented key of a `Config` class; without a default it is required.

    A default that is a list or a dict is copied for each instance. `validator` is one of attrs', or
    a list of them; its message is shown after the path of the key. These fields are keyword-only,
    so their order is free.
    """
    value: Any = default
    if isinstance(default, list | dict):
        value = attrs.Factory(default.copy)
    return cast(
        "T", attrs.field(default=value, validator=validator, metadata={"doc": doc}, kw_only=True)
    )


@frozen
class OptionDoc:
    """One line of the configuration reference.

    In `path`, `*` stands for a name that the user chooses and `[]` for the elements of an array.
    `default` is written as in TOML; it is empty if there is none, and for a table, whose keys have
    lines of their own.
    """

    path: str
    type: str
    default: str
    doc: str
    required: bool


def describe(cls: type[Any]) -> list[OptionDoc]:
    """List the options of an attrs class and of its tables, in the order of declaration."""
    return list(_options(cls, None, "", (cls,)))


def _options(
    cls: type[Any], given: object, prefix: str, within: tuple[type[Any], ...]
) -> Iterator[OptionDoc]:
    """Describe `cls`; if it is nested, the instance `given` is its default."""
    attrs.resolve_types(cls)
    for field in attrs.fields(cls):
        if not field.init:
            continue
        path = f"{prefix}.{path_text((field.alias,))}".lstrip(".")
        default = default_of(field) if given is None else getattr(given, field.name)
        is_required = default is attrs.NOTHING
        yield OptionDoc(
            path=path,
            type=type_name(field.type),
            default="" if is_required or is_record(type(default)) else toml_text(default),
            doc=str(field.metadata.get("doc", "")),
            required=is_required,
        )
        for below, suffix in _tables(field.type):
            if below not in within:
                inner = default if type(default) is below and not suffix else None
                yield from _options(below, inner, path + suffix, (*within, below))


def _tables(kind: Any, suffix: str = "") -> Iterator[tuple[type[Any], str]]:
    """Find the attrs classes within a type, each with the path that leads to it."""
    kind = unwrapped(kind)
    if is_union(kind):
        for member in get_args(kind):
            yield from _tables(member, suffix)
    elif is_array(kind):
        for item in get_args(kind)[:1]:
            yield from _tables(item, f"{suffix}[]")
    elif is_table(kind):
        for item in get_args(kind)[1:]:
            yield from _tables(item, f"{suffix}.*")
    elif is_record(kind):
        yield kind, suffix
