"""tomllib's syntax errors, located where the mistake is, with how to fix it."""

import re

from jackfield._config.places import START, Place, locate
from jackfield._config.toml_text import path_text

_WHERE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_CONFLICTS = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate")
_LONG_NUMBER = re.compile(r"[0-9_]{4000}")
_UNQUOTED_WORD = re.compile(r"=[ \t]*[^\s\"'\[{]+\n[^\s,;\]}]")
"""A word that begins like a value, such as `30s`, with a line break where tomllib stopped."""

_NOT_CLOSED = "a string begins here and is not closed"
_NOT_CLOSED_ON_LINE = "a string ends on its line; close it, or triple its quotes"
_ESCAPE = "double the backslash or use 'single quotes'"
_NAME = "a name of more than A-Z, a-z, 0-9, - and _ needs quotes"
_NO_NAME = "a name is missing"
_NO_NAME_ON_LINE = "a name is missing; an inline table stands on one line"

_FIXES = (
    ("Illegal character '\\n'", "", _NOT_CLOSED_ON_LINE),
    ("Found invalid character '\\n'", "", _NOT_CLOSED_ON_LINE),
    ("Unterminated string", "", _NOT_CLOSED),
    ('Expected "\'"', "", _NOT_CLOSED),
    ("Expected \"'''\"", "", _NOT_CLOSED),
    ("Invalid value", r"[,\]}#]|$", "a value is missing"),
    ("Invalid value", r"(?i:true|false|yes|no|on|off)\b", "write true or false"),
    ("Invalid value", r"(?i:null|none|nil)\b", "leave out a key that has no value"),
    ("Invalid value", r"[+-]?\.[0-9]", "a number has a digit before its point"),
    ("Invalid value", "[\u2018-\u201f«»`]", 'write "straight quotes"'),
    ("Invalid value", "", "text needs quotes"),
    ("Invalid date or datetime", "", "there is no such day or hour"),
    ("Unescaped '\\' in a string", "", _ESCAPE),
    ("Invalid hex value", "", _ESCAPE),
    ("Unclosed array", "", "a comma or ] is missing"),
    ("Unclosed inline table", "", "a comma or } is missing"),
    ("Expected '=' after a key in a key/value pair", ":", 'write "=" in place of ":"'),
    ("Expected '=' after a key in a key/value pair", ".*=", _NAME),
    ("Expected ']' at the end of a table declaration", r".*\]", _NAME),
    ("Expected ']]' at the end of an array declaration", r"\]?[^\]]*$", "a ] is missing"),
    ("Expected newline or end of document after a statement", r"\]", "there is one ] too many"),
    ("Expected newline or end of document after a statement", ",", "put several in [brackets]"),
    ("Expected newline or end of document after a statement", ";", "a line ends without it"),
    ("Expected newline or end of document after a statement", "", "begin a new line here"),
    ("Invalid initial character for a key part", r"\}", "no comma stands before the }"),
    ("Invalid initial character for a key part", "$", _NO_NAME_ON_LINE),
    ("Invalid initial character for a key part", r"[\].=]", _NO_NAME),
    ("Invalid initial character for a key part", "", _NAME),
    ("Invalid statement", "=", _NO_NAME),
    ("Invalid statement", ";|//|--", "a comment begins with #"),
    ("Invalid statement", ".*=", _NAME),
)
"""tomllib's message, a pattern for the text at its place, and the fix; the first match counts."""


def syntax_problem(text: str, message: str) -> tuple[Place, str]:
    """The place and text of the problem for a message of tomllib."""
    where = _WHERE.search(message)
    if where is None:
        number = _LONG_NUMBER.search(text)
        return (
            (_place(text, number.start()), "a number is too long") if number else (START, message)
        )
    end = _place(text, len(text))
    place = Place(int(where["line"]), int(where["column"])) if where["line"] else end
    message = message[: where.start()]
    if message.startswith(_CONFLICTS):
        return _conflict(text, place)
    line = text.split("\n")[place.line - 1].rstrip("\r")
    before, rest = line[: place.column - 1], line[place.column - 1 :]
    if rest and not rest[0].isprintable():
        return place, f"{message}: remove the unseen character U+{ord(rest[0]):04X}"
    if message.startswith("Expected newline") and _UNQUOTED_WORD.search(f"{before}\n{rest}"):
        value = locate(_before(text, place)).last_value
        return value, "Invalid value: it is no number, date, true or false; text needs quotes"
    fix = _fix_for(message, rest)
    if fix == _NOT_CLOSED:
        place = locate(text).last_value
    return place, f"{message}: {fix}" if fix else message


def _fix_for(message: str, rest: str) -> str | None:
    fixes = (fix for known, at, fix in _FIXES if known == message and re.match(at, rest))
    return next(fixes, None)


def _conflict(text: str, place: Place) -> tuple[Place, str]:
    """Name the key that is given twice: the last one before the place of the error."""
    places = locate(_before(text, place))
    path = places.last
    if places.earlier:
        cause = f"defined twice, first at line {places.earlier.line}; remove one of the two"
    else:
        owner = next(path[:end] for end in range(len(path) - 1, 0, -1) if path[:end] in places.keys)
        given = f"{path_text(owner)} is given in full at line {places.keys[owner].line}"
        cause = f"{given} and cannot be added to here"
    return places.last_place, f"{path_text(path)}: {cause}"


def _before(text: str, place: Place) -> str:
    lines = text.split("\n")[: place.line]
    return "\n".join([*lines[:-1], lines[-1][: place.column - 1]])


def _place(text: str, offset: int) -> Place:
    return Place(text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset))
