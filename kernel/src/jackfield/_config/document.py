"""A configuration file that has been read: its text, its tree, and where each thing stands."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, Never, TypeVar

from attrs import define, field, frozen
from cattrs import BaseConverter

from jackfield._config.structure import StructureError, make_converter, structure_table
from jackfield._config.toml import START, Path, Place, Places, locate
from jackfield._config.toml_text import path_text
from jackfield.errors import ConfigError
from jackfield.secrets import SecretError, SecretSources, references

T = TypeVar("T")

_WHERE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_CONFLICTS = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate")
_NOT_CLOSED_ON_LINE = "a string ends on its line; close it, or triple its quotes"
_NOT_CLOSED = "a string begins here and is not closed"
_MENDING = {
    "Illegal character '\\n'": _NOT_CLOSED_ON_LINE,
    "Found invalid character '\\n'": _NOT_CLOSED_ON_LINE,
    "Unterminated string": _NOT_CLOSED,
    'Expected "\'"': _NOT_CLOSED,
    "Expected \"'''\"": _NOT_CLOSED,
    "Invalid value": "text needs quotes",
    "Unescaped '\\' in a string": "double the backslash or use 'single quotes'",
    "Unclosed array": "a comma or ] is missing",
    "Unclosed inline table": "a comma or } is missing",
}


@define
class Problems:
    """Collects what is wrong with one file, so that all of it is reported at once."""

    name: str
    places: Places
    _lines: dict[tuple[Place, str], None] = field(factory=dict, init=False)

    def add(self, path: Path, message: str, *, on_key: bool = False) -> None:
        """Note a problem with the value at `path`, or with its key.

        What is not in the file is reported where the table stands that should hold it.
        """
        places = self.places.keys if on_key else self.places.values
        known = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in places), ())
        place = places.get(known, START)
        self._lines[place, f"{path_text(path)}: {message}"] = None

    @property
    def lines(self) -> list[str]:
        """One line a problem, `file:line:column: path: message`, in the order of the file."""
        ordered = sorted(self._lines, key=lambda problem: problem[0])
        return [_line(self.name, place, text) for place, text in ordered]

    def raise_if_any(self) -> None:
        """Raise ConfigError with all problems, if there are any."""
        if self._lines:
            raise ConfigError(self.lines)


@frozen
class Document:
    """The parsed file. `tree` is what tomllib makes of it; `problems` collects what is found wrong.

    Relative paths in it begin at `directory`.
    """

    name: str
    text: str = field(repr=False)
    tree: dict[str, Any] = field(repr=False)
    directory: FilePath
    problems: Problems = field(repr=False)
    _converter: BaseConverter = field(repr=False)

    def get(self, path: Path) -> Any:
        """Give the raw value at `path`, or None."""
        value: Any = self.tree
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def structure(
        self,
        cls: type[T],
        path: Path,
        *,
        reserved: Iterable[str] = (),
        defaults: Mapping[str, Any] | None = None,
    ) -> T | None:
        """Make an instance of the attrs class `cls` from the table at `path`, absent or not.

        What is wrong goes to `problems`, and None is returned. Keys in `reserved` are somebody
        else's and passed over; `defaults` go before those of the class.
        """
        value = self.get(path)
        try:
            made: T = structure_table(
                self._converter,
                {} if value is None else value,
                cls,
                reserved=reserved,
                defaults=defaults,
            )
        except StructureError as error:
            for problem in error.problems:
                self.problems.add((*path, *problem.path), problem.message, on_key=problem.on_key)
            return None
        return made

    def check_secrets(self, config: object, path: Path, sources: SecretSources) -> None:
        """Note the secret references in `config`, structured from `path`, that cannot be resolved.

        Those of plugins' schemes are not looked up: that may take a network.
        """
        for below, reference in references(config):
            try:
                sources.check(reference)
            except SecretError as error:
                self.problems.add((*path, *below), str(error))


def load(path: str | FilePath) -> Document:
    """Read the file at `path`; ConfigError if it cannot be read or is not TOML."""
    name = str(path)
    path = FilePath(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{name}: there is no such file; `jackfield init` writes one"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{name}: this is a directory; name the file in it"]) from None
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from None
    return parse(_decoded(data, name), name, directory=path.absolute().parent)


def parse(
    text: str, name: str = "jackfield.toml", *, directory: FilePath | None = None
) -> Document:
    """Parse TOML; `name` stands for the file in messages. ConfigError if it is not TOML."""
    try:
        tree = tomllib.loads(text)
        places = locate(text)
    except RecursionError:
        _refuse(name, START, "arrays or tables are nested too deeply")
    except ValueError as error:
        raise ConfigError([_syntax_problem(name, text, str(error))]) from None
    directory = directory or FilePath.cwd()
    problems = Problems(name, places)
    return Document(name, text, tree, directory, problems, make_converter(directory))


def _decoded(data: bytes, name: str) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        _refuse(name, START, "a byte order mark; save the file as UTF-8 without one")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        _refuse(name, START, "this is UTF-16; save the file as UTF-8")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].decode().rpartition("\n")[2]
        place = Place(data.count(b"\n", 0, error.start) + 1, len(line) + 1)
        _refuse(name, place, f"byte 0x{data[error.start]:02x} is not UTF-8; save the file as UTF-8")


def _syntax_problem(name: str, text: str, message: str) -> str:
    """Rewrite a message of tomllib, which has the place at its end."""
    where = _WHERE.search(message)
    end = Place(text.count("\n") + 1, len(text.rpartition("\n")[2]) + 1)
    if where is None:
        return _line(name, START, message)
    place = Place(int(where["line"]), int(where["column"])) if where["line"] else end
    message = message[: where.start()]
    if message.startswith(_CONFLICTS):
        return _conflict(name, text, place)
    mending = _MENDING.get(message)
    if mending == _NOT_CLOSED:
        place = locate(text).last_value
    return _line(name, place, f"{message}: {mending}" if mending else message)


def _conflict(name: str, text: str, place: Place) -> str:
    """Name the key that is given twice: it is the last one before the place of the error."""
    lines = text.split("\n")[: place.line]
    lines[-1] = lines[-1][: place.column - 1]
    places = locate("\n".join(lines))
    path = places.last
    if places.earlier:
        cause = f"defined twice, first at line {places.earlier.line}; remove one of the two"
    else:
        owner = next(path[:end] for end in range(len(path) - 1, 0, -1) if path[:end] in places.keys)
        given = f"{path_text(owner)} is given in full at line {places.keys[owner].line}"
        cause = f"{given} and cannot be added to here"
    return _line(name, places.last_place, f"{path_text(path)}: {cause}")


def _line(name: str, place: Place, text: str) -> str:
    return f"{name}:{place.line}:{place.column}: {text}"


def _refuse(name: str, place: Place, text: str) -> Never:
    raise ConfigError([_line(name, place, text)])
