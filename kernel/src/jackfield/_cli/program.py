"""The entry point of the command line: runs a command and turns errors into exit codes."""

import os
import sys
from collections.abc import Sequence
from errno import EDQUOT, EFBIG, EIO, ENOSPC, EPIPE
from typing import Final

from jackfield.errors import ConfigError, GatewayError, InvalidRequest
from jackfield.secrets import SecretError

from .exit_codes import FAILED, INTERRUPTED, REFUSED
from .parser import parse
from .terminal import complaints

_UNWRITABLE: Final = frozenset((EDQUOT, EFBIG, EIO, ENOSPC, EPIPE))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Errors that the user can fix are shown as one line each.

    Anything else is a bug and keeps its traceback.
    """
    _open_missing_streams()
    try:
        arguments = parse(sys.argv[1:] if argv is None else argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except ConfigError as error:
        return _refuse(error.problems)
    except (SecretError, InvalidRequest) as error:
        return _refuse([str(error)])
    except GatewayError as error:  # such as a store that is unreachable
        complaints().problem(str(error))
        return FAILED
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        if error.errno != EPIPE:  # the reader of the pipe is gone: not an error
            complaints().problem(f"jackfield: the output cannot be written: {error.strerror}")
        # Otherwise Python would report an error when it closes the stream at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt as interrupt:
        return interrupt.args[0] if interrupt.args else INTERRUPTED
    return code


def _open_missing_streams() -> None:
    """Open /dev/null for closed standard streams, or a socket would take their number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _refuse(problems: Sequence[str]) -> int:
    terminal = complaints()
    for problem in problems:
        terminal.problem(problem)
    return REFUSED
