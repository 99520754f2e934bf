"""`--config`: the configuration file that a command reads, if any."""

import os
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

VARIABLE = "JACKFIELD_CONFIG"
USUAL = "jackfield.toml"


def add_config_option(parser: ArgumentParser) -> None:
    """Add the option `--config` to a command."""
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        type=_file,
        help=f"the configuration (default: ${VARIABLE}, else ./{USUAL} if there is one, else none: "
        "the demo provider, and every provider whose key is in the environment)",
    )


def _file(text: str) -> str:
    if not text:  # such as an unset shell variable
        raise ArgumentTypeError("is not a file name")
    return text


def config_path(arguments: Namespace) -> str | None:
    """The chosen file, whether it exists or not; None to start without one."""
    named: str | None = arguments.config or os.environ.get(VARIABLE)
    return named or (USUAL if Path(USUAL).is_file() else None)


def config_name(path: str | None) -> str:
    """What messages call the configuration."""
    return path or "the default configuration"
