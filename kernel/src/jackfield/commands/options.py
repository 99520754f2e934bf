"""The options of a command that stand for an item's fields."""

import datetime as dt
import json
import math
from argparse import SUPPRESS, ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final, get_args

import attrs

from jackfield._config.toml_types import (
    choices,
    is_array,
    is_record,
    is_table,
    type_name,
    union_members,
    unwrapped,
)
from jackfield.admin.attributes import Attribute
from jackfield.admin.items import plain

_PREFIX: Final = "field_"
_NUMBERS: Final = frozenset({int, float})


def add_options(parser: ArgumentParser, attributes: Iterable[Attribute], *, new: bool) -> None:
    """Add an option for each field to a command; for a `new` item some are required."""
    for attribute in attributes:
        required = new and attribute.required
        given: dict[str, Any] = {"help": _help(attribute, new=new), "required": required}
        if attribute.kinds == [bool]:
            given["action"] = BooleanOptionalAction
        else:
            given["metavar"] = _metavar(attribute)
            given["type"] = _reader(attribute.kinds)
            if _is_repeated(attribute.kinds):
                given["action"] = "append"
        option = f"--{attribute.name.replace('_', '-')}"
        parser.add_argument(option, dest=_PREFIX + attribute.name, **given)


def add_positional(parser: ArgumentParser, attribute: Attribute) -> None:
    """Add a positional argument for a field to a command."""
    parser.add_argument(
        _PREFIX + attribute.name,
        metavar=attribute.name.upper(),
        nargs=None if attribute.required else "?",
        type=_reader(attribute.kinds),
        help=_help(attribute, new=True),
    )


def given_fields(arguments: Namespace, attributes: Mapping[str, Attribute]) -> dict[str, Any]:
    """The fields that were given, as JSON."""
    given: dict[str, Any] = {}
    for name, attribute in attributes.items():
        value = getattr(arguments, _PREFIX + name, None)
        if value is not None:
            is_mapping = any(is_table(member) for member in attribute.kinds)
            given[name] = dict(value) if is_mapping else value
    return given


def _is_repeated(members: list[Any]) -> bool:
    return any(is_array(member) or is_table(member) for member in members)


def _reader(members: list[Any]) -> Callable[[str], Any]:
    """The function that turns an option's text into JSON."""
    if any(is_table(member) for member in members):
        return _pair
    kinds = _kinds(members)
    if any(is_record(kind) for kind in kinds):
        return _structure
    if not kinds & _NUMBERS:
        return str
    return _number_or_text if kinds - _NUMBERS else _number


def _kinds(members: list[Any]) -> set[Any]:
    """The types of the values that are given one by one: an array's are those of its items."""
    given = [item for one in members for item in (get_args(one)[:1] if is_array(one) else (one,))]
    return {unwrapped(kind) for item in given for kind in union_members(unwrapped(item))}


def _number_or_text(text: str) -> int | float | str:
    with suppress(ArgumentTypeError):
        return _number(text)
    return text


def _number(text: str) -> int | float:
    for read in (int, float):
        with suppress(ValueError):
            if abs(number := read(text)) < math.inf:
                return number
    raise ArgumentTypeError(f"expected a number, found {text!r}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"expected NAME=VALUE, found {text!r}")
    return name, value


def _structure(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ArgumentTypeError(f"expected JSON: {error}") from None


def _metavar(attribute: Attribute) -> str:
    members = attribute.kinds
    if any(is_table(member) for member in members):
        return "NAME=VALUE"
    kinds = _kinds(members)
    if any(is_record(kind) for kind in kinds):
        return "JSON"
    if named := [str(one) for kind in kinds for one in choices(kind)]:
        return "|".join(named)
    if dt.datetime in kinds:
        return "TIME"
    return "N" if kinds and kinds <= _NUMBERS else "TEXT"


def _help(attribute: Attribute, *, new: bool) -> str:
    if not new and attribute.rights.given == "once":
        return SUPPRESS  # not unknown, so that the gateway can say that it cannot be changed
    text = attribute.doc or type_name(attribute.type)
    if _is_repeated(attribute.kinds):
        text += " May be repeated."
    default = attribute.default
    if new and default is not attrs.NOTHING and default not in (None, "", (), False):
        text += f" (default: {json.dumps(plain(default), ensure_ascii=False)})"
    return text.replace("%", "%%")
