"""The base URL of an origin, checked and taken apart."""

import re
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from attrs import frozen

from jackfield.errors import ConfigError

from .address import Reach

_PATH = re.compile(r"(/[!-~]*)?")
_DEFAULT_PORTS = {"https": 443, "http": 80}


@frozen
class BaseUrl:
    """Where an origin is: `path` is the prefix of every request's path, without a final slash."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether the host is this machine by its spelling."""
        return self.host == "localhost" or _is_loopback(self.host)

    def reach(self, *, public: bool) -> Reach:
        """Which addresses the host may lead to."""
        if public:
            return Reach.PUBLIC
        return Reach.LOOPBACK if self.local else Reach.ANY


def parse_base_url(url: str, *, name: str, allow_http: bool) -> BaseUrl:
    """Check `url`, the base URL of the provider called `name`. Raises ConfigError."""
    try:
        return read_base_url(url, allow_http=allow_http)
    except ValueError as error:
        raise ConfigError([f"provider {name!r}: {error}"]) from None


def read_base_url(url: str, *, allow_http: bool) -> BaseUrl:
    """Check `url` and take it apart. Raises ValueError, which does not repeat it."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError:
        raise ValueError("base_url is not a URL") from None
    problem = _problem(parts, host)
    if problem:
        raise ValueError(f"base_url {problem}")
    base = BaseUrl(
        secure=parts.scheme == "https",
        host=host,
        port=_DEFAULT_PORTS[parts.scheme] if port is None else port,
        path=parts.path.rstrip("/"),
    )
    if not base.secure and not base.local and not allow_http:
        raise ValueError("base_url must begin with https:// since its host is not this machine")
    return base


def _problem(parts: SplitResult, host: str) -> str | None:
    checks = {
        "must begin with https:// or http://": parts.scheme not in _DEFAULT_PORTS,
        "has no host": not host,
        "must not hold a user name or a password": "@" in parts.netloc,
        "must not have a query or a fragment": bool(parts.query or parts.fragment),
        "has a port out of range": parts.port == 0,
        "has a character in its host that cannot be sent": not re.fullmatch(r"[!-~]+", host),
        "has a character in its path that cannot be sent": not _PATH.fullmatch(parts.path),
    }
    return next((problem for problem, found in checks.items() if found), None)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
