"""Strict structuring of TOML values into typed ones, which finds every problem."""

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
from attrs import frozen
from cattrs import BaseConverter

from jackfield._config.places import KeyPath
from jackfield._config.toml_text import toml_text
from jackfield._config.toml_types import (
    accepts,
    choices,
    default_of,
    is_annotated,
    is_array,
    is_from_text,
    is_record,
    is_table,
    is_union,
    type_name,
    union_members,
    unwrapped,
)
from jackfield._config.wording import did_you_mean, found, unknown, validator_message, with_article
from jackfield.address import Address

MOST_PROBLEMS = 1000
"""As many as anybody reads: to find words for each takes its time."""

_LONGEST_QUOTED = 20  # a longer string may be a misplaced secret
_INTEGERS = range(-(2**63), 2**63)


@frozen
class Problem:
    """A problem at `path`, which is relative to the structured value."""

    path: KeyPath
    message: str
    on_key: bool = False


class StructureError(Exception):
    """A value does not fit its type; `structured` is the part that does, if any."""

    def __init__(self, problems: Iterable[Problem], structured: object = None) -> None:
        self.problems = tuple(problems)
        self.structured = structured
        super().__init__("; ".join(problem.message for problem in self.problems))

    @classmethod
    def of(cls, message: str) -> "StructureError":
        """An error with one problem, about the value itself."""
        return cls([Problem((), message)])

    def under(self, key: str | int) -> Iterator[Problem]:
        """The problems as seen from the container that holds the value at `key`."""
        return (attrs.evolve(problem, path=(key, *problem.path)) for problem in self.problems)


def make_converter(directory: Path) -> BaseConverter:
    """Make a converter that coerces nothing; relative file paths start from `directory`."""
    converter = BaseConverter()
    for kind in (str, int, float, bool, dt.datetime, dt.date, dt.time):
        converter.register_structure_hook(kind, _scalar)

    def path(value: Any, kind: Any) -> Path:
        text = _of_shape(value, kind)
        if "\0" in text:
            raise StructureError.of("no path holds the character 0")
        try:
            return directory / Path(text).expanduser()
        except RuntimeError:
            raise StructureError.of(f"nobody's home is {Path(text).parts[0]}") from None

    def table(value: Any, cls: Any) -> Any:
        return structure_table(converter, value, cls)

    converter.register_structure_hook(Path, path)
    for predicate, hook in (
        (is_array, _array_hook(converter)),
        (is_table, _mapping_hook(converter)),
        (is_record, table),
        (lambda kind: bool(choices(kind)), _choice),
        (is_union, _union_hook(converter)),
        (is_from_text, partial(_from_text, str(directory))),
        (is_annotated, lambda value, kind: converter.structure(value, unwrapped(kind))),
    ):
        converter.register_structure_hook_func(predicate, hook)
    return converter


def structure_table(
    converter: BaseConverter,
    value: Any,
    cls: type[Any],
    *,
    reserved: Iterable[str] = (),
    defaults: Mapping[str, Any] | None = None,
) -> Any:
    """Make an instance of the attrs class `cls`.

    Keys in `reserved` belong to someone else and are ignored. `defaults` take precedence over those
    of the class. A nested table may be given in part: the rest comes from its default.
    """
    entries = _of_shape(value, cls)
    attrs.resolve_types(cls)
    fields = {field.alias: field for field in attrs.fields(cls) if field.init}
    allowed = dict.fromkeys([*fields, *sorted(reserved)])
    unknown_keys = islice((key for key in entries if key not in allowed), MOST_PROBLEMS)
    problems = [Problem((key,), unknown("key", key, allowed), on_key=True) for key in unknown_keys]
    arguments: dict[str, Any] = {}
    partial: dict[str, object] = {}
    for key, field in fields.items():
        default = (defaults or {}).get(key, default_of(field))
        try:
            structured = _structure_field(
                converter, entries.get(key, attrs.NOTHING), field, default
            )
        except StructureError as error:
            problems.extend(error.under(key))
            partial[key] = error.structured
        else:
            if structured is not attrs.NOTHING:
                arguments[key] = structured
    problems.extend(_validation_problems(cls, arguments))
    if problems:
        raise StructureError(problems, arguments | partial)
    try:
        return cls(**arguments)
    except (ValueError, TypeError) as error:
        raise StructureError.of(validator_message(error)) from error


def _structure_field(
    converter: BaseConverter, value: Any, field: "attrs.Attribute[Any]", default: Any
) -> Any:
    """The value of a field, of which NOTHING is given if the key is absent.

    NOTHING is returned if the class has to compute its default.
    """
    if value is attrs.NOTHING:
        if default is attrs.NOTHING and field.default is attrs.NOTHING:
            raise StructureError.of(f"missing; expected {with_article(field.type)}")
        return default
    cls = type(default)
    if is_record(cls) and cls in union_members(field.type) and isinstance(value, dict):
        given = {inner.alias: getattr(default, inner.name) for inner in attrs.fields(cls)}
        return structure_table(converter, value, cls, defaults=given)
    return converter.structure(value, field.type or Any)


def _validation_problems(cls: type[Any], arguments: Mapping[str, Any]) -> Iterator[Problem]:
    """Run each validator separately, on an instance that has only the valid fields."""
    probe: Any = object.__new__(cls)
    fields = [field for field in attrs.fields(cls) if field.alias in arguments]
    for field in fields:
        object.__setattr__(probe, field.name, arguments[field.alias])
    for field in fields:
        if field.validator is None:
            continue
        try:
            field.validator(probe, field, arguments[field.alias])
        except (ValueError, TypeError) as error:
            yield Problem((field.alias,), validator_message(error))
        except AttributeError:
            continue  # it reads an invalid or missing field; the class runs it again later


def _of_shape(value: Any, kind: Any) -> Any:
    if accepts(kind, value):
        return value
    raise StructureError.of(f"expected {with_article(kind)}, found {found(value, kind)}")


def _scalar(value: Any, kind: Any) -> Any:
    if choices(kind):
        return _choice(value, kind)
    number = _of_shape(value, kind)
    if type(number) is int and number not in _INTEGERS:
        raise StructureError.of("an integer has no more than 64 bits")
    if kind is not float:
        return number
    if not math.isfinite(number):
        raise StructureError.of(f"expected a finite number, found {value}")
    return float(number)


def _choice(value: Any, kind: Any) -> Any:
    allowed = choices(kind)
    _of_shape(value, kind)
    if value not in allowed:
        is_long = isinstance(value, str) and len(value) > _LONGEST_QUOTED
        given = "another string" if is_long else toml_text(value)
        raise StructureError.of(
            f"expected {type_name(kind)}, found {given}{did_you_mean(value, allowed)}"
        )
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


def _from_text(directory: str, value: Any, kind: Any) -> Any:
    text = _of_shape(value, kind)
    arguments = (text, directory) if kind is Address else (text,)
    try:
        return kind.from_text(*arguments)
    except ValueError as error:
        raise StructureError.of(str(error)) from error


def _array_hook(converter: BaseConverter) -> Any:
    def structure(value: Any, kind: Any) -> Any:
        items = _of_shape(value, kind)
        kinds = get_args(kind)
        origin = get_origin(kind) or kind
        if origin is tuple and kinds and kinds[-1] is not Ellipsis:
            if len(items) != len(kinds):
                message = f"expected {len(kinds)} elements, found {len(items)}"
                raise StructureError.of(message)
        else:
            kinds = (kinds[0] if kinds else Any,) * len(items)
        structured = _convert(converter, zip(range(len(items)), items, kinds, strict=True))
        return (origin if origin in (tuple, set, frozenset) else list)(structured.values())

    return structure


def _mapping_hook(converter: BaseConverter) -> Any:
    def structure(value: Any, kind: Any) -> Any:
        entries = _of_shape(value, kind)
        item = (*get_args(kind), Any, Any)[1]
        return _convert(converter, ((key, entry, item) for key, entry in entries.items()))

    return structure


def _convert(converter: BaseConverter, entries: Iterable[tuple[Any, Any, Any]]) -> dict[Any, Any]:
    structured: dict[Any, Any] = {}
    problems: list[Problem] = []
    for key, value, kind in entries:
        try:
            structured[key] = converter.structure(value, kind)
        except StructureError as error:
            problems.extend(error.under(key))
            structured[key] = error.structured
    if problems:
        raise StructureError(problems, structured)
    return structured


def _union_hook(converter: BaseConverter) -> Any:
    def structure(value: Any, kind: Any) -> Any:
        """Take the first member that fits; if none does, blame the one that nearly does."""
        _of_shape(value, kind)
        errors: list[StructureError] = []
        for member in union_members(kind):
            if not accepts(member, value):
                continue
            try:
                return converter.structure(value, member)
            except StructureError as error:
                errors.append(error)
        raise min(errors, key=lambda error: len(error.problems))

    return structure
