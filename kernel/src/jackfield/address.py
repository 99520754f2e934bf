"""The address of a listener, as written in the configuration."""

import os
import re
from ipaddress import IPv6Address, ip_address
from typing import ClassVar, Self

from attrs import frozen

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_NUMERIC = re.compile(r"(.*\.)?[0-9]+\.*")
_LONGEST_PATH = 107  # bytes: as much as the system has room for
_FORM = 'write host:port, such as "127.0.0.1:4747", or "unix:/path/to/socket"'


@frozen
class Address:
    """A host and a port, or the path of a Unix socket, in which case `host` is empty.

    With port 0 the system chooses one.
    """

    toml_name: ClassVar[str] = "address"

    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def from_text(cls, text: str, directory: str = "") -> Self:
        """Parse `host:port`, `[ipv6]:port` or `unix:/path`; ValueError says what is wrong.

        A relative path starts from `directory`.
        """
        if text.startswith("unix:"):
            path = text.removeprefix("unix:")
            if not path.strip():
                raise ValueError('no path after "unix:"; write "unix:/path/to/socket"')
            full = os.path.join(directory, os.path.expanduser(path))
            size = len(os.fsencode(full))
            path = full if size <= _LONGEST_PATH else os.path.relpath(full)  # which may fit
            if len(os.fsencode(path)) > _LONGEST_PATH or "\0" in path:
                raise ValueError(
                    f"a socket's path has up to {_LONGEST_PATH} bytes, no NUL; found {size}"
                )
            return cls(path=path)
        if "://" in text:
            raise ValueError(f"an address has no scheme; {_FORM}")
        host, colon, port = text.rpartition(":")
        if not colon or text.endswith("]"):
            raise ValueError(f"no port; {_FORM}")
        return cls(host=_host(host), port=_port(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        named = bool(self.path) or self.host == "localhost"
        return named or (_is_ip(self.host) and ip_address(self.host).is_loopback)

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _host(text: str) -> str:
    if not text:
        raise ValueError('no host; write "127.0.0.1:…" for this machine alone or "0.0.0.0:…"')
    if text.startswith("[") and text.endswith("]"):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise ValueError("the part in brackets is not an IPv6 address") from None
    if ":" in text:
        raise ValueError('an IPv6 address needs brackets: "[::1]:4747"')
    if text == "*":
        raise ValueError('"*" is not a host; write "0.0.0.0" to listen on every interface')
    if not _HOST_NAME.fullmatch(text) or (_NUMERIC.fullmatch(text) and not _is_ip(text)):
        raise ValueError(f"the host is neither a name nor an IP address; {_FORM}")
    return text.lower()


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"the port is not a number; {_FORM}")
    port = int(text[:6])
    if port > 65535:
        raise ValueError(f"the port must be between 0 and 65535, found {text[:12]}")
    return port


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
