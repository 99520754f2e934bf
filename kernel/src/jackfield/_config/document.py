"""A configuration file that has been read: its text, its tree and the place of every value."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Never, TypeVar

from attrs import define, field, frozen
from cattrs import BaseConverter

from jackfield._config.places import START, KeyPath, Place, Places, locate
from jackfield._config.structure import (
    MOST_PROBLEMS,
    StructureError,
    make_converter,
    structure_table,
)
from jackfield._config.syntax import syntax_problem
from jackfield._config.toml_text import path_text
from jackfield.errors import ConfigError
from jackfield.secrets import SecretError, SecretSources, references

T = TypeVar("T")


@define
class Problems:
    """Collects the problems of one file, so that all are reported at once."""

    name: str
    places: Places
    _lines: dict[tuple[Place, str], None] = field(factory=dict, init=False)

    def add(self, path: KeyPath, message: str, *, on_key: bool = False) -> None:
        """Add a problem with the value at `path`, or with its key.

        A problem with something missing is located at the table that should contain it. Raises
        ConfigError when there are more problems than anyone would read.
        """
        places = self.places.keys if on_key else self.places.values
        located = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in places), ())
        place = places.get(located, START)
        self._lines[place, f"{path_text(path)}: {message}"] = None
        if len(self._lines) >= MOST_PROBLEMS:
            raise ConfigError([*self.lines, f"{self.name}: too many problems; fix these first"])

    @property
    def lines(self) -> list[str]:
        """One line per problem, `file:line:column: path: message`, in the order of the file."""
        ordered = sorted(self._lines, key=lambda problem: problem[0])
        return [_line(self.name, place, text) for place, text in ordered]

    def raise_if_any(self) -> None:
        """Raise ConfigError with all problems, if there are any."""
        if self._lines:
            raise ConfigError(self.lines)


@frozen
class Document:
    """The parsed file. `tree` is tomllib's result; `problems` collects what is found wrong.

    Relative paths in it start from `directory`.
    """

    name: str
    text: str = field(repr=False)
    tree: dict[str, Any] = field(repr=False)
    directory: Path
    problems: Problems = field(repr=False)
    _converter: BaseConverter = field(repr=False)

    def get(self, path: KeyPath) -> Any:
        """The raw value at `path`, or None."""
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
        path: KeyPath,
        *,
        reserved: Iterable[str] = (),
        defaults: Mapping[str, Any] | None = None,
        sources: SecretSources | None = None,
    ) -> T | None:
        """Make an instance of the attrs class `cls` from the table at `path`, if any.

        Problems are collected in `problems`, and None is returned. Keys in `reserved` belong to
        someone else and are ignored; `defaults` take precedence over those of the class. With
        `sources`, secret references that cannot be resolved are problems too; those of plugins'
        schemes are not checked, because that may need the network.
        """
        value = self.get(path)
        try:
            structured: T = structure_table(
                self._converter,
                {} if value is None else value,
                cls,
                reserved=reserved,
                defaults=defaults,
            )
        except StructureError as error:
            for problem in error.problems:
                self.problems.add((*path, *problem.path), problem.message, on_key=problem.on_key)
            self.check_secrets(error.structured, path, sources)
            return None
        self.check_secrets(structured, path, sources)
        return structured

    def blame(self, path: KeyPath, message: str) -> None:
        """Add a problem that a plugin found with its table at `path`.

        A message that begins with a key in the table, such as `a.b`, is located at that key.
        """
        first, _, rest = message.partition(" ")
        at = (*path, *first.strip("`:").split("."))
        if self.get(at) is None:
            self.problems.add(path, message, on_key=True)
        else:
            self.problems.add(at, message if rest.startswith("=") else rest)

    def check_secrets(self, value: object, path: KeyPath, sources: SecretSources | None) -> None:
        """Add a problem for each secret in a configuration that cannot be resolved."""
        if sources is None:
            return
        for below, reference in references(value):
            try:
                sources.check(reference)
            except SecretError as error:
                self.problems.add((*path, *below), str(error))


def load(path: str | Path) -> Document:
    """Read the file at `path`. Raises ConfigError if it cannot be read or is not TOML."""
    name = str(path)
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{name}: no such file; `jackfield init` creates one"]) from None
    except IsADirectoryError:
        raise ConfigError([f"{name}: this is a directory; name the file in it"]) from None
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from None
    return parse(_decoded(data, name), name, directory=path.absolute().parent)


def parse(text: str, name: str = "jackfield.toml", *, directory: Path | None = None) -> Document:
    """Parse TOML; `name` is the file's name in messages. Raises ConfigError if it is not TOML."""
    try:
        tree = tomllib.loads(text)
        places = locate(text)
    except RecursionError:
        _refuse(name, START, "arrays or tables are nested too deeply")
    except ValueError as error:
        raise ConfigError([_line(name, *syntax_problem(text, str(error)))]) from None
    try:
        directory = directory or Path.cwd()
    except FileNotFoundError:
        raise ConfigError(["the current folder no longer exists; change to another one"]) from None
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


def _line(name: str, place: Place, text: str) -> str:
    return f"{name}:{place.line}:{place.column}: {text}"


def _refuse(name: str, place: Place, text: str) -> Never:
    raise ConfigError([_line(name, place, text)])
