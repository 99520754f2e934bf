"""URLs of providers: the base URL, split into its parts, and what may follow it."""

import re
from functools import lru_cache
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from attrs import frozen

from jackfield.address import Address
from jackfield.errors import ConfigError

from .address import Reach

_PATH = re.compile(r"(/[!-~]*)?")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_STEPS = re.compile(r"/\.{0,2}/|/\.{1,2}(?:$|[?:])")
_CREDENTIALS = frozenset({"key", "api_key", "api-key", "apikey", "access_token", "token"})


@frozen
class BaseUrl:
    """An origin's location; `path` prefixes every request's path and has no trailing slash."""

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
        """Whether the host is this machine, judged by its name alone."""
        return Address(self.host).is_loopback

    def reach(self, *, public: bool) -> Reach:
        """Which addresses the host may resolve to."""
        if public:
            return Reach.PUBLIC
        return Reach.LOOPBACK if self.local else Reach.ANY


def parse_base_url(url: str, *, name: str, allow_http: bool) -> BaseUrl:
    """Validate and split `url`, the base URL of the provider called `name`. Raises ConfigError."""
    try:
        return read_base_url(url, allow_http=allow_http)
    except ValueError as error:
        raise ConfigError([f"provider {name!r}: {error}"]) from None


def read_base_url(url: str, *, allow_http: bool) -> BaseUrl:
    """Validate `url` and split it. Raises ValueError, which does not repeat the URL."""
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
        raise ValueError("base_url must begin with https:// to another machine, or set allow_http")
    return base


@lru_cache(maxsize=1024)
def has_steps(path: str) -> bool:
    """Whether a path has an empty, `.` or `..` segment, in any spelling."""
    return _STEPS.search(unquote(path)) is not None


def without_credentials(query: str) -> str:
    """The query without what may be the caller's own key: the provider gets the gateway's."""
    return "&".join(
        part
        for part in query.split("&")
        if unquote_plus(part.partition("=")[0]).lower() not in _CREDENTIALS
    )


def _problem(parts: SplitResult, host: str) -> str | None:
    checks = {
        "must begin with https:// or http://": parts.scheme not in _DEFAULT_PORTS,
        "has no host": not host,
        "must not hold a user name or a password": "@" in parts.netloc,
        "must not have a query or a fragment": bool(parts.query or parts.fragment),
        "must end before /chat/completions": parts.path.rstrip("/").endswith("/chat/completions"),
        "has a port out of range": parts.port == 0,
        "has a character in its host that cannot be sent": not re.fullmatch(r"[!-~]+", host),
        "has a character in its path that cannot be sent": not _PATH.fullmatch(parts.path),
    }
    return next((problem for problem, found in checks.items() if found), None)
