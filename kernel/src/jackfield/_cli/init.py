"""`jackfield init`: write a first jackfield.toml."""

import os
from argparse import ArgumentParser, Namespace
from pathlib import Path

from jackfield._loader import well_known_keys
from jackfield.errors import ConfigError

from .config_option import USUAL
from .first_config import first_config
from .terminal import Terminal, good, output

_DESCRIPTION = """\
Write a small, commented configuration as a starting point. Without --provider it has the demo
provider and every provider whose key is in the environment. Keys are never written to the file."""

_EPILOG = """\
examples:
  jackfield init
  jackfield init --provider openai
  jackfield init gateway.toml --provider openai --provider demo"""


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument(
        "file", metavar="FILE", nargs="?", type=Path, default=Path(USUAL), help=f"default: {USUAL}"
    )
    parser.add_argument(
        "-p",
        "--provider",
        metavar="NAME",
        action="append",
        default=[],
        dest="providers",
        help="a provider to include; may be repeated",
    )
    parser.add_argument("--force", action="store_true", help="overwrite an existing file")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Write the file; it is never overwritten unless asked."""
    path: Path = arguments.file
    text = first_config(arguments.providers, well_known_keys(), os.environ)
    try:
        with path.open("w" if arguments.force else "x", encoding="utf-8") as file:
            file.write(text)
    except (FileExistsError, IsADirectoryError):
        if path.is_dir():
            raise ConfigError([f"{path}: this is a directory; name the file in it"]) from None
        raise ConfigError([f"{path}: already exists; --force overwrites it"]) from None
    except OSError as error:
        raise ConfigError([f"{path}: cannot be written: {error.strerror}"]) from None
    _show_next_steps(output(), path)
    return 0


def _show_next_steps(terminal: Terminal, path: Path) -> None:
    option = "" if str(path) == USUAL else f" --config {path}"
    terminal.line(good("wrote "), str(path))
    terminal.line(f"  jackfield check{option}")
    terminal.line(f"  jackfield serve{option}")
