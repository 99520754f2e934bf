"""The entry of the command line: from words to a command, and from errors to exit codes."""

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


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. What the user can mend is said in a line each.

    Anything else is a bug and keeps its traceback.
    """
    _open_missing_streams()
    try:
        arguments = parse(sys.argv[1:] if words is None else words)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except ConfigError as error:
        return _refuse(error.problems)
    except (SecretError, InvalidRequest) as error:
        return _refuse([str(error)])
    except GatewayError as error:  # such as a store that does not answer
        complaints().problem(str(error))
        return FAILED
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        if error.errno != EPIPE:  # else the reader has seen enough
            complaints().problem(f"jackfield: what it says cannot be written: {error.strerror}")
        # Python would complain when it closes the stream at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _open_missing_streams() -> None:
    """Put nothing where a standard stream was closed, or a socket would get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    sys.stdin = sys.stdin or os.fdopen(0)
    sys.stdout = sys.stdout or os.fdopen(1, "w")
    sys.stderr = sys.stderr or os.fdopen(2, "w")


def _refuse(problems: Sequence[str]) -> int:
    terminal = complaints()
    for problem in problems:
        terminal.problem(problem)
    return REFUSED
