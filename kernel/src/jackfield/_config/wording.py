"""The wording of problems with values."""

import difflib
import re
from collections.abc import Collection, Iterable
from itertools import islice
from typing import Any

from jackfield._config.synonyms import synonym
from jackfield._config.toml_text import toml_text
from jackfield._config.toml_types import SHAPES, accepts, choices, type_name

_MOST_LISTED = 40
_MOST_WORDS = 1000  # comparing names is slow
_NUMBER_WITH_UNIT = re.compile(r"\s*[-+]?[0-9][0-9_.]*\s*[A-Za-zµ%]*\s*")
_COMPARISON = re.compile(r"'[^']*' (must be [<>]=? [^:]*): (\S*?)(?:\.0)?")
_LENGTH = re.compile(r"Length of '[^']*' must be (>=|<=) ([0-9]+): ([0-9]+)")


def with_article(kind: Any) -> str:
    """A type's name with its article."""
    name = type_name(kind)
    return name if choices(kind) or name == "any value" else article(name)


def article(name: str) -> str:
    """Put "a" or "an" before a word."""
    if name.startswith('"'):
        return name
    return f"an {name}" if name[0] in "aeiou" and name[:2] != "us" else f"a {name}"


def found(value: Any, kind: Any) -> str:
    """Describe a value by its type; a string is never repeated, because it may be a secret."""
    name = SHAPES[type(value)]
    if isinstance(value, bool | int | float):
        text = repr(value) if isinstance(value, float) else toml_text(value)
        return f"the {name} {text}{_hint(value, kind)}"
    return f"{article(name)}{_hint(value, kind)}"


def _hint(value: Any, kind: Any) -> str:
    if isinstance(value, str):
        if (accepts(kind, 1) or accepts(kind, 1.5)) and _NUMBER_WITH_UNIT.fullmatch(value):
            return "; write a plain number, without quotes or a unit"
        if accepts(kind, True) and value.lower() in ("true", "false", "yes", "no", "on", "off"):
            return "; write true or false, without quotes"
    elif not isinstance(value, dict | list) and accepts(kind, ""):
        return "; put it in quotes"
    if accepts(kind, []):
        return "; put it in [brackets]"
    return ""


def did_you_mean(word: object, allowed: Iterable[object]) -> str:
    """The end of a message: the closest allowed word, if one is close."""
    words = [str(choice) for choice in islice(allowed, _MOST_WORDS)]
    closest = difflib.get_close_matches(str(word), words, n=1)
    return f'; did you mean "{closest[0]}"?' if closest else ""


def unknown(noun: str, word: str, allowed: Iterable[str]) -> str:
    """Say that `word` is not an allowed name, and which one is meant or which there are."""
    names = list(dict.fromkeys(allowed))
    alternative = synonym(word, names)
    hint = f"; write {alternative}" if alternative else did_you_mean(word, names)
    if not hint:
        hint = f"; known: {listed(names)}" if names else "; none is known here"
    return f"unknown {noun}{hint}"


def listed(names: Collection[str]) -> str:
    """Names in a sentence, as many as anyone would read."""
    more = len(names) - _MOST_LISTED
    return ", ".join(islice(names, _MOST_LISTED)) + (f" and {more} more" if more > 0 else "")


def validator_message(error: Exception) -> str:
    """The message of an attrs validator without the name, which the path already gives."""
    text = str(error.args[0]) if error.args else type(error).__name__
    if comparison := _COMPARISON.fullmatch(text):
        return f"{comparison[1]}, found {comparison[2]}"
    text = _LENGTH.sub(r"its length must be \1 \2, found \3", text)
    return re.sub(r"^'[^']*' (?=must|is )", "", text)
