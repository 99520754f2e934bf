"""`jackfield new-plugin`: starts a new plugin from the template."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from .plugin_template import create
from .terminal import good, output, strong

_DESCRIPTION = """\
Copy a small working plugin under a name of your own: a project that can be installed beside the
gateway, with a configuration, hooks and tests."""

_EPILOG = """\
example:
  jackfield new-plugin word_filter --into ~/src"""


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("name", metavar="NAME", help="the plugin's name, such as word_filter")
    parser.add_argument(
        "--into", metavar="DIR", type=Path, default=Path(), help="its parent folder (default: .)"
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Create it and say what to do next."""
    folder = create(arguments.name, arguments.into)
    terminal = output()
    terminal.line(good("made "), str(folder))
    terminal.line()
    terminal.line(strong("next:"))
    terminal.line(f"  pip install -e {folder} pytest pytest-asyncio")
    terminal.line(f"  pytest {folder}")
    terminal.line(f"  add [plugins.{arguments.name}] to jackfield.toml, then: jackfield check")
    return 0
