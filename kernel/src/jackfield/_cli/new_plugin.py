"""`jackfield new-plugin`: begin a plugin of your own."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .plugin_template import create
from .terminal import good, output, strong

_DESCRIPTION = """\
Copy a small plugin that works, under a name of your own: a project that can be installed beside
the gateway, with its configuration, its hooks and its tests."""

_EPILOG = """\
example:
  jackfield new-plugin word_filter --into ~/src"""


def command(parser: ArgumentParser) -> None:
    """Fill the parser of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("name", metavar="NAME", help="the word that names it, such as word_filter")
    parser.add_argument(
        "--into",
        metavar="DIR",
        type=Path,
        default=Path(),
        help="the folder in which its folder is made (default: this one)",
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Make it and say what to do next."""
    folder = create(arguments.name, arguments.into)
    terminal = output()
    terminal.line(good("made "), str(folder))
    terminal.line()
    terminal.line(strong("next:"))
    terminal.line(f"  pip install -e {folder} pytest pytest-asyncio")
    terminal.line(f"  pytest -o asyncio_mode=auto {folder}")
    terminal.line(f"  add [plugins.{arguments.name}] to jackfield.toml, then: jackfield check")
    return 0
