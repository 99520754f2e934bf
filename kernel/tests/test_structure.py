"""Structuring TOML values into the types of a plugin's `Config`."""

import datetime as dt
from enum import Enum, StrEnum
from typing import Annotated, Any, ClassVar, NewType, Self

import attrs
import pytest
from attrs import field, frozen
from attrs.validators import in_, matches_re, min_len

from jackfield.config import parse

Tenant = NewType("Tenant", str)


class Colour(StrEnum):
    RED = "red"


class Size(Enum):
    SMALL = 1


@frozen
class Duration:
    """What a plugin may write to have its own kind of text."""

    toml_name: ClassVar[str] = "duration"
    seconds: int

    @classmethod
    def from_text(cls, text: str) -> Self:
        number, unit = text[:-1], text[-1:]
        if unit != "s":
            raise ValueError('unknown unit of time; write seconds, such as "30s"')
        return cls(int(number))


def _structured(kind: Any, text: str) -> Any:
    cls = attrs.make_class("Config", {"x": field(type=kind)}, frozen=True)
    document = parse(f"x = {text}", "j.toml")
    made: Any = document.structure(cls, ())
    return document.problems.lines[0].partition(": x: ")[2] if made is None else made.x


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (float, "3", 3.0),
        (int | float, "3", 3),
        (int | str, '"3"', "3"),
        (bool | int, "true", True),
        (str | None, '"a"', "a"),
        (Any, "[1, 'a']", [1, "a"]),
        (list[Any], "[1, 'a']", [1, "a"]),
        (list, "[1]", [1]),
        (dict, "{ a = 1 }", {"a": 1}),
        (set[int], "[1, 1]", {1}),
        (frozenset[str], "['a']", frozenset({"a"})),
        (tuple[int, str], "[1, 'a']", (1, "a")),
        (tuple[int, ...], "[]", ()),
        (dict[str, list[float]], "{ a = [1] }", {"a": [1.0]}),
        (Colour, "'red'", Colour.RED),
        (Size, "1", Size.SMALL),
        (Tenant, "'a'", "a"),
        (Annotated[int, "units"], "1", 1),
        (list[Tenant], "['a']", ["a"]),
        (dt.date, "1979-05-27", dt.date(1979, 5, 27)),
        (dt.datetime, "1979-05-27 07:32:00", dt.datetime(1979, 5, 27, 7, 32)),
        (Duration, "'30s'", Duration(30)),
        (Duration | int, "5", 5),
    ],
)
def test_values_become_the_declared_type(kind: Any, text: str, expected: object) -> None:
    made = _structured(kind, text)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        (str, "1", "expected a string, found the integer 1; put it in quotes"),
        (int, "true", "expected an integer, found the boolean true"),
        (dt.date, "1979-05-27 07:32:00", "expected a date, found a date and time"),
        (Size, "2", "expected 1, found 2"),
        (Colour, "'rad'", 'expected "red", found "rad"; did you mean "red"?'),
        (Duration, "'30m'", 'unknown unit of time; write seconds, such as "30s"'),
        (
            Duration | int,
            "1.5",
            "expected a duration or integer, found the number 1.5; put it in quotes",
        ),
        (dict[str, int], "[]", "expected a table of integers, found an array"),
        (
            list[list[int]],
            "1",
            "expected an array of arrays of integers, found the integer 1; put it in [brackets]",
        ),
    ],
)
def test_nothing_is_coerced(kind: Any, text: str, problem: str) -> None:
    assert _structured(kind, text) == problem


@pytest.mark.parametrize(
    ("validator", "text", "problem"),
    [
        (in_(["a"]), "'b'", "must be in ['a'] (got 'b')"),
        (min_len(2), "'b'", "its length must be >= 2, found 1"),
        (matches_re("[a-z]+"), "'1'", "must match regex '[a-z]+' ('1' doesn't)"),
    ],
)
def test_messages_of_validators_leave_out_the_name(validator: Any, text: str, problem: str) -> None:
    cls = attrs.make_class("Config", {"x": field(type=str, validator=validator)})
    document = parse(f"x = {text}", "j.toml")
    assert document.structure(cls, ()) is None
    assert document.problems.lines == [f"j.toml:1:5: x: {problem}"]


def test_an_error_of_the_class_itself_is_reported_at_its_table() -> None:
    @frozen
    class Config:
        x: int = 0

        def __attrs_post_init__(self) -> None:
            raise ValueError("x and y exclude each other")

    document = parse("[plugins.p]\nx = 1", "j.toml")
    assert document.structure(Config, ("plugins", "p")) is None
    assert document.problems.lines == ["j.toml:1:10: plugins.p: x and y exclude each other"]


def test_an_alias_is_the_key_in_the_file() -> None:
    @frozen
    class Config:
        origin: str = field(alias="source")
        _hidden: int = 0
        made: int = field(init=False, default=3)

    document = parse("source = 'a'\nhidden = 2\nmade = 4", "j.toml")
    assert document.structure(Config, ()) is None
    assert document.problems.lines == ["j.toml:3:1: made: unknown key; known: source, hidden"]
