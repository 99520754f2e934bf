"""What can be wrong with a server, as messages for operators that contain no secrets."""

import os
import re
import socket
import ssl
from typing import Final

from attrs import frozen
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    InvalidResponse,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
)
from redis.exceptions import TimeoutError as RedisTimeoutError

_LONGEST: Final = 120

_IN_A_SCRIPT: Final = re.compile(r"Error running script .*?@user_script: \d+: (?:-(\w+) )?")

_ERROR_CODES: Final[dict[str, type[ResponseError]]] = {
    "OOM": OutOfMemoryError,
    "READONLY": ReadOnlyError,
}


@frozen
class Problem:
    """Why a server cannot be used; `mistake` is whether an operator has to fix it."""

    reason: str
    mistake: bool = False


class ServerLost(Exception):
    """The connection to the server failed or was lost."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.reason)
        self.problem = problem


LATE: Final = Problem("does not answer in time")
GONE: Final = Problem("has closed the connection")
NOT_REDIS: Final = Problem("does not speak the protocol of Redis", mistake=True)
FULL: Final = Problem("is full: it takes no more data; see its maxmemory")
REPLICA: Final = Problem("is a replica, which takes no writes")
LOADING: Final = Problem("is loading its data")
REFUSED: Final = Problem(
    "refuses the username and password; mend `username` and `password`", mistake=True
)

_UNKNOWN_AUTHORITY: Final = Problem(
    "has a certificate that is not trusted; set `ca_file`", mistake=True
)
_OTHER_NAME: Final = Problem(
    "has a certificate for another name; write the name in it in place of this one", mistake=True
)
_UNTRUSTED: Final = {
    10: Problem("has a certificate that has expired", mistake=True),
    62: _OTHER_NAME,
    64: _OTHER_NAME,
}
"""Keyed by OpenSSL's error codes."""

_PROBLEMS: Final[dict[type[BaseException], Problem]] = {
    AuthenticationError: REFUSED,
    AuthorizationError: REFUSED,
    BusyLoadingError: LOADING,
    OutOfMemoryError: FULL,
    ReadOnlyError: REPLICA,
    InvalidResponse: NOT_REDIS,
    TimeoutError: LATE,
    RedisTimeoutError: LATE,
}


def problem_of(error: BaseException) -> Problem:
    """The problem that a connection error means."""
    if isinstance(error, ServerLost):
        return error.problem
    for kind, problem in _PROBLEMS.items():
        if isinstance(error, kind):
            return problem
    if isinstance(error, NoPermissionError):
        return Problem(f"refuses a command to this user: {message_of(error)}", mistake=True)
    if isinstance(error, ResponseError):
        return Problem(f"answers with an error: {message_of(error)}")
    return _unreachable(error)


def unwrapped(error: ResponseError) -> ResponseError:
    """The error that ended a script; Redis 6.2 wraps it in the text of another one."""
    found = _IN_A_SCRIPT.match(str(error))
    if found is None:
        return error
    return _ERROR_CODES.get(found[1], ResponseError)(str(error)[found.end() :])


def _unreachable(error: BaseException) -> Problem:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _UNTRUSTED.get(cause.verify_code, _UNKNOWN_AUTHORITY)
    if isinstance(cause, ssl.SSLError):
        return Problem(f"does not agree on TLS: {cause.reason}")
    if isinstance(cause, socket.gaierror):
        return Problem("cannot be reached: its name is not known")
    # The libraries' messages contain addresses; the system's do not.
    if cause is not None and cause.errno:
        return Problem(f"cannot be reached: {os.strerror(cause.errno)}")
    return GONE


def message_of(error: BaseException) -> str:
    """The server's message, without its remarks about the script."""
    line, _, _ = str(error).partition("\n")
    message, _, _ = line.partition(" script: ")
    return (message or type(error).__name__)[:_LONGEST]
