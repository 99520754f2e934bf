"""The places of keys and values, against tomllib."""

import datetime as dt
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jackfield._config.places import KeyPath, Place, locate

BARE = st.text("abcXYZ019_-", min_size=1, max_size=4)
QUOTED = st.text(st.characters(codec="utf-8", max_codepoint=0x2FFF), max_size=4)
SCALARS = st.one_of(
    st.integers(-(10**12), 10**12).map(str),
    st.sampled_from(
        ["0xdead_beef", "0o17", "0b1", "+99", "1_000", "-0.5", "6.02e23", "inf", "+nan"]
    ),
    st.booleans().map(lambda value: str(value).lower()),
    st.datetimes(dt.datetime(1900, 1, 1)).map(str),
    st.sampled_from(["1979-05-27", "07:32:00.5", "1979-05-27T00:32:00-07:00"]),
    st.text("abé \t.,=#[]{}'", max_size=8).map(lambda text: f'"{text}"'),
    st.sampled_from(
        [r'"\"\\\u00e9 # ] }"', '"""a"b""\\\n  c"""', '"""\n"" ,"""""', '""""""', '""']
    ),
    st.sampled_from(["'\\'", "''", "'''it''s\n''''", "'''\n[x]\n# '''", "''''''", "'#]},'"]),
)
SPACE = st.sampled_from(["", " ", "\t", "  "])
LINE_END = st.sampled_from(["\n", "\r\n", "  # = [comment] \"'\n", "\n\n", " \n\t\n"])
GAP = st.sampled_from(["", " ", "\n", "\r\n ", ' # ]}, "\n\t'])


@st.composite
def keys(draw: st.DrawFn) -> str:
    if draw(st.booleans()):
        return draw(BARE)
    name = draw(QUOTED)
    if draw(st.booleans()) and name.isprintable() and "'" not in name:
        return f"'{name}'"
    return '"' + "".join(f"\\U{ord(letter):08x}" for letter in name) + '"'


@st.composite
def dotted(draw: st.DrawFn) -> str:
    parts = draw(st.lists(keys(), min_size=1, max_size=3))
    return f"{draw(SPACE)}.{draw(SPACE)}".join(parts)


def arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    element = st.tuples(GAP, values, GAP).map("".join)
    end = st.tuples(st.sampled_from(["", ","]), GAP).map("".join)
    filled = st.tuples(st.lists(element, min_size=1, max_size=3).map(",".join), end).map("".join)
    return st.one_of(GAP, filled).map(lambda inside: f"[{inside}]")


def inline_tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(SPACE, dotted(), SPACE, st.just("="), SPACE, values, SPACE).map("".join)
    return st.lists(pair, max_size=3).map(lambda pairs: "{" + ",".join(pairs) + "}")


VALUES = st.recursive(SCALARS, lambda values: arrays(values) | inline_tables(values), max_leaves=5)
PAIRS = st.tuples(SPACE, dotted(), SPACE, st.just("="), SPACE, VALUES, LINE_END).map("".join)
TABLES = st.tuples(SPACE, st.just("["), SPACE, dotted(), SPACE, st.just("]"), LINE_END).map("".join)
ARRAYS_OF_TABLES = st.tuples(SPACE, st.just("[["), dotted(), st.just("]]"), LINE_END).map("".join)


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Add random statements, and keep those after which it still is TOML."""
    text = ""
    for statement in draw(st.lists(PAIRS | PAIRS | TABLES | ARRAYS_OF_TABLES, max_size=8)):
        copies = draw(st.integers(1, 2))
        if _is_toml(text + statement * copies):
            text += statement * copies
    return text


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _entries(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    inside: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    for key, entry in inside:
        yield (*path, key), entry
        yield from _entries(entry, (*path, key))


def _rest(text: str, place: Place) -> str:
    """Give the text from `place` on, without the carriage returns that tomllib drops."""
    lines = text.split("\n")[place.line - 1 :]
    return "\n".join([lines[0][place.column - 1 :], *lines[1:]]).replace("\r\n", "\n")


def _begins_with(rest: str, form: str, expected: Any) -> bool:
    """Whether some beginning of `rest`, put into `form`, is TOML for what is expected."""
    for end in range(1, len(rest) + 1):
        try:
            if repr(tomllib.loads(form.format(rest[:end]))) == repr(expected):
                return True
        except tomllib.TOMLDecodeError:
            continue
    return False


@settings(deadline=None, max_examples=300)
@given(documents())
def test_every_path_of_tomllib_has_a_place(text: str) -> None:
    places = locate(text)
    paths = {path for path, _ in _entries(tomllib.loads(text))}
    assert set(places.keys) == paths
    assert set(places.values) == paths


@settings(deadline=None, max_examples=150)
@given(documents())
def test_at_its_place_stands_the_key_or_the_value(text: str) -> None:
    places = locate(text)
    for path, value in _entries(tomllib.loads(text)):
        at_key, at_value = _rest(text, places.keys[path]), _rest(text, places.values[path])
        if isinstance(path[-1], str):
            assert _begins_with(at_key, "{} = 0", {path[-1]: 0})
        if not isinstance(value, dict | list) or at_value[0] in "[{":
            assert _begins_with(at_value, "v = {}", {"v": value})
        else:
            assert places.values[path] == places.keys[path]


@pytest.mark.parametrize(
    ("text", "path", "key", "value"),
    [
        ("a = 1", ("a",), (1, 1), (1, 5)),
        ("\t'ключ' = 1", ("ключ",), (1, 2), (1, 11)),
        ('x = 1\r\n[ a . "b.c" ]\r\nd=2', ("a", "b.c", "d"), (3, 1), (3, 3)),
        ('x = 1\r\n[ a . "b.c" ]\r\nd=2', ("a", "b.c"), (2, 7), (2, 7)),
        ("a.b.c = [1, [2, {d = 3}]]", ("a", "b", "c", 1, 1, "d"), (1, 18), (1, 22)),
        ("[[a]]\n[[a]]\n[[a.b]]\n[a.b.c]\nd = 1", ("a", 1, "b", 0, "c", "d"), (5, 1), (5, 5)),
        ("[[a]]\n[[a]]", ("a", 1), (2, 3), (2, 3)),
        ("[a.b]\n[a]", ("a",), (2, 2), (2, 2)),
        ("a = [ # one\n  1,\n  2]", ("a", 1), (3, 3), (3, 3)),
        ('a = """x\n"""\nb = 2', ("b",), (3, 1), (3, 5)),
    ],
)
def test_lines_and_columns_count_characters_from_one(
    text: str, path: KeyPath, key: Place, value: Place
) -> None:
    places = locate(text)
    assert (places.keys[path], places.values[path]) == (key, value)


def test_a_repeated_key_is_remembered_with_its_first_place() -> None:
    places = locate("a = 1\nb.c = 2\nb.c = 3")
    assert (places.last, places.earlier) == (("b", "c"), (2, 3))
