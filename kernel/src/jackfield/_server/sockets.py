"""Listening sockets, bound before any worker starts."""

import os
import shutil
import socket
import stat
from collections.abc import Iterable
from typing import Any

from jackfield.address import Address
from jackfield.errors import ConfigError

_BACKLOG = 4096
_FIRST_FROM_SYSTEMD = 3


def bind_all(
    binds: Iterable[str], *, reuse_port: bool = False, key: str = "server.bind"
) -> list[socket.socket]:
    """Listen on each of `binds`, which stand at `key`: `host:port` or `unix:/path`.

    Where systemd listens for this process already, its socket is taken. Otherwise a unix socket is
    made with mode 0600. Raises `ConfigError`, and then holds no socket.
    """
    sockets: list[socket.socket] = []
    given = _handed_over()
    for bind in binds:
        try:
            for family, place in _places(Address.from_text(bind)):
                shares = reuse_port and family != socket.AF_UNIX
                if shares and place[1] and place not in given:
                    # Somebody who listens there would be given a share of the clients.
                    _listening(family, place).close()
                listener = given.pop(place, None) or _listening(family, place, reuse_port=shares)
                sockets.append(listener)
        except OSError as error:
            close_all([*sockets, *given.values()])
            reason = error.strerror or error
            raise ConfigError([f"{key}: cannot listen on {bind!r}: {reason}"]) from error
    if given:
        others = ", ".join(addresses_of(given.values()))
        close_all([*sockets, *given.values()])
        raise ConfigError([f"{key}: systemd listens on {others} as well; add it here"])
    return sockets


def bind_workers(binds: Iterable[str], count: int) -> list[list[socket.socket]]:
    """The same as `bind_all` for `count` workers: TCP with SO_REUSEPORT, the others shared."""
    first = bind_all(binds, reuse_port=count > 1)
    return [first, *([_sibling(each) for each in first] for _ in range(count - 1))]


def open_to(sockets: Iterable[socket.socket], mode: str, group: str) -> None:
    """Let others of this machine connect to the unix sockets among them. Raises `ConfigError`."""
    unix = [each.getsockname() for each in sockets if each.family == socket.AF_UNIX]
    for path in unix if (mode, group) != ("600", "") else ():
        try:
            if group:
                shutil.chown(path, group=int(group) if group.isdecimal() else group)
            os.chmod(path, int(mode, 8))
        except (LookupError, OSError) as error:
            problem = f"{path!r} cannot be given to the group {group!r}: {error.args[-1]}"
            raise ConfigError([f"server.socket_group: {problem}"]) from error


def bind_private(bind: str) -> list[socket.socket]:
    """The same as `bind_all` for the admin listener; makes the directory of a unix socket.

    Raises `ConfigError`, also if others could put a socket of theirs there.
    """
    if path := Address.from_text(bind).path:
        directory = os.path.dirname(path) or "."
        try:
            os.makedirs(directory, 0o700, exist_ok=True)
            status = os.stat(directory)
        except OSError as error:
            reason = error.strerror or error
            raise ConfigError([f"server.admin: no directory for {path!r}: {reason}"]) from error
        if status.st_uid not in (0, os.getuid()) or status.st_mode & 0o022:
            raise ConfigError([f"server.admin: others can write to {directory!r}; name another"])
    return bind_all([bind], key="server.admin")


def close_all(sockets: Iterable[socket.socket]) -> None:
    """Stop listening. A unix socket's path stays; the next start takes it over."""
    for each in sockets:
        each.close()


def addresses_of(sockets: Iterable[socket.socket]) -> list[str]:
    """Where they listen, with the port that the system chose where it was asked to."""
    names = (each.getsockname() for each in sockets)
    return [str(Address(path=n) if isinstance(n, str) else Address(*n[:2])) for n in names]


def _handed_over() -> dict[Any, socket.socket]:
    """What systemd listens on for this process, by the addresses; it says so once."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return {}
    sockets = {}
    for number in range(int(os.environ.pop("LISTEN_FDS", "0"))):
        each = socket.socket(fileno=_FIRST_FROM_SYSTEMD + number)
        each.set_inheritable(False)
        each.setblocking(False)
        sockets[each.getsockname()] = each
    return sockets


def _places(address: Address) -> Iterable[tuple[int, Any]]:
    """The families and addresses of sockets that it stands for."""
    if address.path:
        _remove_stale(address.path)
        return [(socket.AF_UNIX, address.path)]
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    return dict.fromkeys((family, place) for family, _, _, _, place in found)


def _listening(family: int, place: Any, *, reuse_port: bool = False) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    # The mask, not a later chmod: a path is never open to others, not even for a moment.
    mask = os.umask(0o177)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(place)
        # At once: until then the system lets others be bound there as well.
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    finally:
        os.umask(mask)
    listener.setblocking(False)
    return listener


def _sibling(first: socket.socket) -> socket.socket:
    if not first.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT):
        return first.dup()
    return _listening(first.family, first.getsockname(), reuse_port=True)


def _remove_stale(path: str) -> None:
    """Unlink a socket that a dead process left; leave a live one or another file alone."""
    if not os.path.exists(path) or not stat.S_ISSOCK(os.stat(path).st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
