"""Where each key and value of a TOML document is located, which `tomllib` does not report."""

import re
import tomllib
from bisect import bisect_right
from typing import NamedTuple

from attrs import define, field

KeyPath = tuple[str | int, ...]

_SPACE = re.compile(r"[ \t]*+")
# Also what separates the elements of an array or a table.
_GAP = re.compile(r"(?:[ \t\r\n,]|#[^\n]*+)*+")
_DOT = re.compile(r"[ \t]*+\.[ \t]*+")
_KEY = re.compile(r""""(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'|[A-Za-z0-9_-]++""")
_SCALAR = re.compile(
    r'''
      """ (?: [^"\\] | \\. | "{1,2}(?!") )*+ (?:"{3,5})?
    | \'\'\' (?: [^'] | '{1,2}(?!') )*+ (?:'{3,5})?
    | " (?: [^"\\\n] | \\. )*+ "?
    | ' [^'\n]*+ '?
    | [^,\]}#\r\n]++
    ''',
    re.VERBOSE | re.DOTALL,
)


class Place(NamedTuple):
    """A position in a text; lines and columns count characters from 1."""

    line: int
    column: int


START = Place(1, 1)


@define
class Places:
    """The place of every key and every value, by path; array elements have integers for keys.

    A table that is opened by a header or a dotted key is located at its name. `last` is the key
    that was read last, at `last_place`; `earlier` is where it had been given before. `last_value`
    is where the last value begins.
    """

    keys: dict[KeyPath, Place] = field(factory=dict)
    values: dict[KeyPath, Place] = field(factory=dict)
    last: KeyPath = ()
    last_place: Place = START
    earlier: Place | None = None
    last_value: Place = START


def locate(text: str) -> Places:
    """Find all places in `text`, which `tomllib` accepts at least up to its end."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.places


@define
class _Scanner:
    text: str
    at: int = 0
    places: Places = field(factory=Places)
    _lengths: dict[KeyPath, int] = field(factory=dict)  # counts the elements of arrays of tables
    _lines: list[int] = field(init=False)  # the offset at which each line begins

    def __attrs_post_init__(self) -> None:
        self._lines = [0, *(match.end() for match in re.finditer("\n", self.text))]

    def document(self) -> None:
        table: KeyPath = ()
        while self._skip(_GAP):
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> KeyPath:
        is_array = self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        path = self._key((), in_header=True)
        if is_array:
            index = self._lengths.get(path, 0)
            self._lengths[path] = index + 1
            path = (*path, index)
            self.places.keys[path] = self.places.values[path] = self.places.last_place
        self._skip(_SPACE)
        self.at += 2 if is_array else 1
        return path

    def _pair(self, table: KeyPath) -> None:
        path = self._key(table)
        self._skip(_SPACE)
        self.at += len("=")
        if self._skip(_SPACE):
            self._value(path)

    def _key(self, table: KeyPath, *, in_header: bool = False) -> KeyPath:
        """Read a dotted key below `table`, noting the place of each part."""
        path = table
        parts: list[tuple[str, Place]] = []
        while self._skip(_SPACE) and (token := self._take(_KEY)):
            parts.append((_unquoted(token), self._place(self.at - len(token))))
            if not self._take(_DOT):
                break
        places = self.places
        for depth, (name, place) in enumerate(parts, 1):
            path = (*path, name)
            is_last = depth == len(parts)
            if is_last:
                places.last, places.last_place, places.earlier = path, place, places.keys.get(path)
            if is_last and not (in_header and path in self._lengths):
                places.keys[path] = places.values[path] = place
            places.keys.setdefault(path, place)
            places.values.setdefault(path, place)
            if path in self._lengths and not is_last:
                path = (*path, self._lengths[path] - 1)
        return path

    def _value(self, path: KeyPath) -> None:
        self.places.values[path] = self.places.last_value = self._place(self.at)
        first = self.text[self.at]
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline_table(path)
        else:
            token = self._take(_SCALAR)
            if not token or (first in "\"'" and (len(token) == 1 or token[-1] != first)):
                self.at = len(self.text)  # not closed

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self._skip(_GAP) and self.text[self.at] != "]":
            element = (*path, index)
            self.places.keys[element] = self._place(self.at)
            self._value(element)
            index += 1
        self.at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self._skip(_GAP) and self.text[self.at] != "}":
            self._pair(path)
        self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        """Skip what matches; false at the end of the text."""
        self._take(pattern)
        return self.at < len(self.text)

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None:
            return ""
        self.at = match.end()
        return match.group()

    def _place(self, offset: int) -> Place:
        line = bisect_right(self._lines, offset)
        return Place(line, offset - self._lines[line - 1] + 1)


def _unquoted(token: str) -> str:
    if token[0] not in "\"'":
        return token
    (name,) = tomllib.loads(f"{token} = 0")
    return name
