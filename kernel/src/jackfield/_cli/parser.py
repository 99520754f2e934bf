"""Parses the command line; a command is imported only when it is used."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Never

from jackfield._config.wording import did_you_mean
from jackfield.errors import ConfigError

from .terminal import help_formatter, output

GROUP = "jackfield.commands"
"""The entry points of commands that plugins bring: functions that get the parser to fill.

They call `parser.set_defaults(run=…)` with a function from the arguments to the exit code.
"""

_COMMANDS = {
    "serve": ("serve:command", "answer requests until told to stop"),
    "check": ("check:command", "say what is wrong with a configuration, offline"),
    "init": ("init:command", "write a first jackfield.toml"),
    "plugins": ("plugins:command", "list the plugins, in use and installed"),
    "explain": ("explain:command", "show where a request would go, and why"),
    "plan": ("plan:command", "show what the next start would change in the state"),
    "new-plugin": ("new_plugin:command", "make a small plugin to start from"),
    "version": ("version:command", "show the versions of the kernel and the plugins"),
}
_USAGE = "jackfield COMMAND [ARGUMENT ...]"
_DESCRIPTION = "An LLM gateway whose every feature is a plugin."
_EPILOG = """\
Start with `jackfield serve`: it needs no file, no key and no network.
Help for a command: `jackfield COMMAND --help`.

Exit codes: 0 success, 1 failure, 2 invalid configuration or command line, 130 interrupted."""


class CommandParser(ArgumentParser):
    """A parser that `fill` completes on first use, and whose errors are ConfigErrors."""

    def __init__(
        self, *, fill: Callable[[ArgumentParser], None] | None = None, **given: Any
    ) -> None:
        super().__init__(allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter, **given)
        self._fill = fill

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the known arguments; an unknown one is an error that suggests the nearest."""
        if self._fill is not None:
            fill, self._fill = self._fill, None
            fill(self)
        known, others = super().parse_known_args(args, namespace)
        if others:
            options = [word for action in self._actions for word in action.option_strings]
            self.error(_unknown("argument", others[0].partition("=")[0], options))
        return known, others

    def format_help(self) -> str:
        """The help, in colour on a terminal."""
        self.formatter_class = help_formatter()
        return super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Write the help in whatever encoding the stream has."""
        output().text(self.format_help().rstrip())

    def error(self, message: str) -> Never:
        """Raise ConfigError with argparse's message."""
        raise ConfigError([f"{self.prog}: {message} (see `{self.prog} --help`)"])


def parse(arguments: Sequence[str]) -> Namespace:
    """Parse the command line; `run` is the function to call. Raises ConfigError."""
    parser = CommandParser(prog="jackfield", usage=_USAGE, description=_DESCRIPTION, epilog=_EPILOG)
    # The metavar is shown above the commands; argparse also aligns the columns by its width.
    commands = parser.add_subparsers(
        title="commands", metavar="one of these:", required=True, prog="jackfield"
    )
    for point, summary in found_commands():
        commands.add_parser(point.name, help=summary, fill=_filler(point))
    first = arguments[0] if arguments else "--help"
    if first == "--version":
        arguments = ["version", *arguments[1:]]
    elif first not in ("-h", "--help", *commands.choices):
        noun = "argument" if first.startswith("-") else "command"
        parser.error(_unknown(noun, first, commands.choices))
    return parser.parse_args(arguments or ["--help"])


def found_commands() -> Iterator[tuple[EntryPoint, str]]:
    """The kernel's and the plugins' commands, with short summaries; none is imported."""
    for name, (value, summary) in _COMMANDS.items():
        yield EntryPoint(name, f"{__package__}.{value}", GROUP), summary
    of_plugins = {point.name: point for point in sorted(entry_points(group=GROUP))}
    for name, point in of_plugins.items():
        if name not in _COMMANDS:
            yield point, f"from {point.dist.name}" if point.dist else ""


def _filler(point: EntryPoint) -> Callable[[ArgumentParser], None]:
    def fill(parser: ArgumentParser) -> None:
        try:
            command = point.load()
        except (ImportError, AttributeError, SyntaxError) as error:
            origin = f" from {point.dist.name}" if point.dist else ""
            what = f"this command{origin} cannot be loaded: {type(error).__name__}: {error}"
            raise ConfigError([f"{parser.prog}: {what}"]) from None
        command(parser)

    return fill


def _unknown(noun: str, word: str, allowed: Any) -> str:
    return f'unknown {noun} "{word}"{did_you_mean(word, allowed)}'
