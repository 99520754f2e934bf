"""`--config`: the file that a command reads, or none."""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

VARIABLE = "JACKFIELD_CONFIG"
USUAL = "jackfield.toml"


def add_config_option(parser: ArgumentParser) -> None:
    """Let a command have `--config`."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=_file,
        help=f"the configuration (default: ${VARIABLE}, else ./{USUAL} if there is one, else none: "
        "the demo provider, and every provider whose key is in the environment)",
    )


def _file(text: str) -> str:
    if not text:  # such as a variable of a shell that is not set
        raise ArgumentTypeError("names no file")
    return text


def config_path(arguments: Namespace) -> str | None:
    """The file that is meant, whether it exists or not; None for a start without one."""
    named: str | None = arguments.config or os.environ.get(VARIABLE)
    return named or (USUAL if Path(USUAL).is_file() else None)


def config_name(path: str | None) -> str:
    """How to speak of it."""
    return path or "the default configuration"
