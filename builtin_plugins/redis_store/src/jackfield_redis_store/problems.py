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

_WORDS: Final[dict[str, type[ResponseError]]] = {
    "OOM": OutOfMemoryError,
    "READONLY": ReadOnlyError,
}


@frozen
class Trouble:
    """Why a server cannot be used; `mistake` is whether an operator has to fix it."""

    reason: str
    mistake: bool = False


class ServerLost(Exception):
    """The connection to the server failed or was lost."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.reason)
        self.trouble = trouble


LATE: Final = Trouble("does not answer in time")
GONE: Final = Trouble("has closed the connection")
NONSENSE: Final = Trouble("does not speak the protocol of Redis", mistake=True)
FULL: Final = Trouble("is full: it takes no more data; see its maxmemory")
REPLICA: Final = Trouble("is a replica, which takes no writes")
LOADING: Final = Trouble("is loading its data")
REFUSED: Final = Trouble(
    "refuses the username and password; mend `username` and `password`", mistake=True
)

_STRANGE: Final = Trouble("has a certificate that is not trusted; set `ca_file`", mistake=True)
_MISNAMED: Final = Trouble(
    "has a certificate for another name; write the name in it in place of this one", mistake=True
)
_UNTRUSTED: Final = {
    10: Trouble("has a certificate that has expired", mistake=True),
    62: _MISNAMED,
    64: _MISNAMED,
}
"""Keyed by OpenSSL's error codes."""

_TOLD: Final[dict[type[BaseException], Trouble]] = {
    AuthenticationError: REFUSED,
    AuthorizationError: REFUSED,
    BusyLoadingError: LOADING,
    OutOfMemoryError: FULL,
    ReadOnlyError: REPLICA,
    InvalidResponse: NONSENSE,
    TimeoutError: LATE,
    RedisTimeoutError: LATE,
}


def told(error: BaseException) -> Trouble:
    """The trouble that a connection error means."""
    if isinstance(error, ServerLost):
        return error.trouble
    for kind, trouble in _TOLD.items():
        if isinstance(error, kind):
            return trouble
    if isinstance(error, NoPermissionError):
        return Trouble(f"refuses a command to this user: {words_of(error)}", mistake=True)
    if isinstance(error, ResponseError):
        return Trouble(f"answers with an error: {words_of(error)}")
    return _unreachable(error)


def unwrapped(error: ResponseError) -> ResponseError:
    """The error that ended a script; Redis 6.2 wraps it in the text of another one."""
    found = _IN_A_SCRIPT.match(str(error))
    if found is None:
        return error
    return _WORDS.get(found[1], ResponseError)(str(error)[found.end() :])


def _unreachable(error: BaseException) -> Trouble:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, OSError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _UNTRUSTED.get(cause.verify_code, _STRANGE)
    if isinstance(cause, ssl.SSLError):
        return Trouble(f"does not agree on TLS: {cause.reason}")
    if isinstance(cause, socket.gaierror):
        return Trouble("cannot be reached: its name is not known")
    # The libraries' messages contain addresses; the system's do not.
    if cause is not None and cause.errno:
        return Trouble(f"cannot be reached: {os.strerror(cause.errno)}")
    return GONE


def words_of(error: BaseException) -> str:
    """The server's message, without its remarks about the script."""
    line, _, _ = str(error).partition("\n")
    said, _, _ = line.partition(" script: ")
    return (said or type(error).__name__)[:_LONGEST]
