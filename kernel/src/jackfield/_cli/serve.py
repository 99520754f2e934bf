"""`jackfield serve`: answers requests until it is told to stop."""

import os
import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING

from jackfield.address import Address

from .config_option import add_config_option, config_path
from .terminal import complaints

if TYPE_CHECKING:
    from jackfield._gateway import Gateway

_DESCRIPTION = """\
Answer requests until told to stop. Without a file it serves the demo provider and every provider
whose key is in the environment, to this machine only. It reads the configuration again when the
file is saved, or on SIGHUP. On SIGTERM it finishes the requests in progress and exits."""

_EPILOG = """\
examples:
  jackfield serve
  jackfield serve --config jackfield.toml --workers 4
  jackfield serve --bind 127.0.0.1:8080 --bind unix:/run/jackfield.sock"""


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add_config_option(parser)
    parser.add_argument(
        "-b",
        "--bind",
        metavar="ADDRESS",
        action="append",
        type=_address,
        help="where to listen, instead of server.bind: host:port or unix:/path; may be repeated",
    )
    parser.add_argument(
        "-w",
        "--workers",
        metavar="N",
        type=_workers,
        help="the number of processes, instead of server.workers",
    )
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Serve; the exit code."""
    # While still starting, it reads the newest configuration anyway.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # The system ends nobody who is process 1 and has not said what to do.
    signal.signal(signal.SIGTERM, _end)
    from jackfield._serve import Start, log_ready, serve  # noqa: PLC0415 - slow to import

    given = {"bind": arguments.bind, "workers": arguments.workers}
    keys = {key: value for key, value in given.items() if value is not None}
    return serve(Start(config_path(arguments), keys, banner if sys.stderr.isatty() else log_ready))


def _end(number: int, frame: object) -> None:
    # SystemExit would be taken for a failure of the plugin that is being started.
    raise KeyboardInterrupt(0)


def banner(gateway: "Gateway", addresses: list[str]) -> None:
    """Show the user at a terminal what is served, and a command to try it."""
    from .banner import show_banner  # noqa: PLC0415 - only for a person

    show_banner(complaints(), gateway, addresses)


def _address(text: str) -> str:
    try:
        return str(Address.from_text(text, os.getcwd()))
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def _workers(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise ArgumentTypeError(f"must be a number between 1 and 1024, found {text}")
    return int(text)
