"""Listening sockets, bound before any worker starts."""

import os
import socket
import stat
from collections.abc import Iterable
from typing import Any

from jackfield.errors import ConfigError

_UNIX = "unix:"


def bind_all(
    binds: Iterable[str], *, reuse_port: bool = False, backlog: int = 4096
) -> list[socket.socket]:
    """Listen on each of `binds`: `host:port`, `[ipv6]:port`, `unix:/path` or `/path`.

    A unix socket is made with mode 0600. Raises `ConfigError`, and then holds no socket.
    """
    sockets: list[socket.socket] = []
    try:
        for bind in binds:
            sockets += _bind(bind, reuse_port=reuse_port)
        for each in sockets:
            each.listen(backlog)
            each.setblocking(False)
    except BaseException:
        close_all(sockets)
        raise
    return sockets


def bind_workers(
    binds: Iterable[str], count: int, *, backlog: int = 4096
) -> list[list[socket.socket]]:
    """The same as `bind_all` for `count` workers: TCP with SO_REUSEPORT, unix sockets shared."""
    first = bind_all(binds, reuse_port=count > 1, backlog=backlog)
    sockets = [first]
    for _ in range(count - 1):
        sockets.append([_sibling(each, backlog) for each in first])
    return sockets


def keep_private(path: str) -> None:
    """See to it that nobody else can put a socket of theirs at `path`; makes its directory.

    Raises `ConfigError`.
    """
    directory = os.path.dirname(path) or "."
    try:
        os.makedirs(directory, 0o700, exist_ok=True)
        status = os.stat(directory)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError([f"server.admin: no directory for {path!r}: {reason}"]) from error
    if status.st_uid not in (0, os.getuid()) or status.st_mode & 0o022:
        raise ConfigError([f"server.admin: others can write to the directory of {path!r}"])


def close_all(sockets: Iterable[socket.socket]) -> None:
    """Stop listening. The path of a unix socket stays; the next start takes it over."""
    for each in sockets:
        each.close()


def _bind(bind: str, *, reuse_port: bool) -> list[socket.socket]:
    try:
        if bind.startswith((_UNIX, "/")):
            return [_bind_unix(bind.removeprefix(_UNIX))]
        return _bind_tcp(*_split(bind), reuse_port=reuse_port)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError([f"server.bind: cannot listen on {bind!r}: {reason}"]) from error


def _split(bind: str) -> tuple[str, int]:
    host, _, port = bind.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 0xFFFF:
        raise ConfigError([f"server.bind: {bind!r} is not host:port, [ipv6]:port or unix:/path"])
    return host.strip("[]"), int(port)


def _bind_tcp(host: str, port: int, *, reuse_port: bool) -> list[socket.socket]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets = []
    try:
        for family, _, _, _, address in dict.fromkeys(found):
            if reuse_port and port:
                _require_free(family, address)
            listener = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(listener)
            _bind_address(listener, address, reuse_port=reuse_port)
    except OSError:
        close_all(sockets)
        raise
    return sockets


def _require_free(family: int, address: Any) -> None:
    """Raise OSError if somebody listens there, with whom SO_REUSEPORT would share the clients."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        _bind_address(probe, address, reuse_port=False)


def _bind_address(listener: socket.socket, address: Any, *, reuse_port: bool) -> None:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if listener.family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(address)


def _sibling(first: socket.socket, backlog: int) -> socket.socket:
    if first.family == socket.AF_UNIX:
        return first.dup()
    listener = socket.socket(first.family, socket.SOCK_STREAM)
    _bind_address(listener, first.getsockname(), reuse_port=True)
    listener.listen(backlog)
    listener.setblocking(False)
    return listener


def _bind_unix(path: str) -> socket.socket:
    _remove_stale(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mask, not a later chmod: the path is never open to others, not even for a moment.
    mask = os.umask(0o177)
    try:
        listener.bind(path)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    return listener


def _remove_stale(path: str) -> None:
    """Unlink a socket that a dead process left; a live one or another file is left alone."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
