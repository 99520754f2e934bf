"""The endpoint table: a method and a path lead to a dialect, an operation and a permission."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from attrs import field, frozen

from jackfield.dialects import Dialect
from jackfield.errors import ConfigError, GatewayError, MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from jackfield.catalogue import Catalogue
    from jackfield.exchange import Exchange
    from jackfield.response import Response

    Answering = Callable[[Exchange, Catalogue], Awaitable[Response]]

PUBLIC: Final = "public"
"""The permission of an endpoint that anyone may call, such as /health."""

# Servers are known to read these differently, so a guard and a server may see different paths.
_AMBIGUOUS = re.compile(r"//|(?<=.)/$|/\.{1,2}(?:[/;]|$)|[\\\0-\x1f\x7f\ufffd]")
_IGNORED = re.compile(r";[^/]*|(?<![ .])[ .]+(?=/|$)")
_LONGEST_SHOWN = 200
# Prefixes of vendors' keys and ours, and any long word that contains a digit.
_KEY_LIKE = re.compile(
    r"(?a)(?<![A-Za-z0-9])(?:jf|sk|gsk|xai|AIza)[\w-]{16,}|\b(?=[A-Za-z_]*[0-9])\w{20,}"
)
_PLACEHOLDER = re.compile(r"\{(\w+)(\*?)\}")


@frozen(eq=False)
class Endpoint:
    """One entry of the table.

    `path` may contain `{name}` for one segment and `{name*}` for any number of them; both are
    percent-decoded in `params`. `method` may be `*`, or `jackfield.realtime.WEBSOCKET`.
    `permission` is what a principal must have. An endpoint with an `answer` is answered by that,
    between the hooks; any other goes through a plan to a provider. `upstream` is the path at the
    provider, below its base URL, with the same placeholders. An endpoint with both is answered by
    itself for models whose providers do not serve it. `max_body` is in bytes; None is the
    server's own limit. `stream` is for paths that themselves say whether the answer streams.
    `query` names query parameters that go into `params`.
    """

    method: str
    path: str
    dialect: Dialect
    operation: str
    permission: str
    upstream: str | None = None
    max_body: int | None = None
    answer: "Answering | None" = None
    stream: bool | None = None
    query: tuple[str, ...] = ()
    start: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "start", self.path.partition("{")[0])

    def match(self, path: str) -> re.Match[str] | None:
        """Match a raw path; the placeholders are the groups of the match."""
        return _compiled(self.path).fullmatch(path) if path.startswith(self.start) else None

    def is_disguised(self, plain: str) -> bool:
        """Whether a lax server would read a plain path as this one, ignoring case."""
        begins = plain[: len(self.start)].casefold() == self.start.casefold()
        return begins and _compiled(self.path, re.IGNORECASE).fullmatch(plain) is not None


# Compiled on first use: most paths of a vendor's API are never requested.
@cache
def _compiled(path: str, flags: int = 0) -> re.Pattern[str]:
    return re.compile(_regex(path), flags)


def _regex(path: str) -> str:
    regex, at = "", 0
    for match in _PLACEHOLDER.finditer(path):
        regex += re.escape(path[at : match.start()])
        # The part after a colon has no other: else a path of colons would be tried at each one.
        kind = "." if match[2] else "[^/:]" if regex.endswith(":") else "[^/]"
        regex += f"(?P<{match[1]}>{kind}+)"
        at = match.end()
    return regex + re.escape(path[at:])


def _plain(path: str) -> str:
    """The path as the laxest server would read it, except for the case of its letters."""
    return _IGNORED.sub("", unquote(unquote(path)))


_NO_PARAMS: Final[Mapping[str, str]] = {}


class EndpointTable:
    """All endpoints of a gateway. Exact paths win over patterns, longer patterns over shorter."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._exact: dict[tuple[str, str], Endpoint] = {}
        self._patterns: list[Endpoint] = []
        for endpoint in endpoints:
            self._add(endpoint)
        self._patterns.sort(key=lambda e: (e.path.endswith("*}"), -len(e.path)))

    def __iter__(self) -> Iterator[Endpoint]:
        yield from self._exact.values()
        yield from self._patterns

    def _add(self, endpoint: Endpoint) -> None:
        key = (endpoint.method, endpoint.path)
        if key in self._exact or any((e.method, e.path) == key for e in self._patterns):
            raise ConfigError([f"two plugins claim the endpoint {endpoint.method} {endpoint.path}"])
        if not endpoint.permission:
            raise ConfigError([f"the endpoint {endpoint.method} {endpoint.path} has no permission"])
        if "{" not in endpoint.path:
            self._exact[key] = endpoint
        else:
            self._patterns.append(endpoint)

    def find(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
        """The endpoint for a raw path, and the values of its placeholders.

        Raises NotFound for an unknown path and MethodNotAllowed for a wrong method.
        """
        endpoint = self._exact.get((method, path)) or self._exact.get(("*", path))
        if endpoint is not None:
            return endpoint, _NO_PARAMS
        if _AMBIGUOUS.search(unquote(path)) or _AMBIGUOUS.search(unquote(unquote(path))):
            raise NotFound(
                "A path with empty, . or .. segments, a slash at its end, a backslash or a"
                " control character is not served; write it without them."
            )
        for endpoint in self._patterns:
            match = endpoint.match(path) if endpoint.method in (method, "*") else None
            if match is not None:
                self._check_disguise(method, path, endpoint)
                return endpoint, {name: unquote(text) for name, text in match.groupdict().items()}
        raise self._unknown(method, path)

    def _check_disguise(self, method: str, path: str, endpoint: Endpoint) -> None:
        """Raise NotFound for a path that a less strict server would read as another endpoint's.

        Otherwise, what one permission guards could be reached through an endpoint that accepts any
        path.
        """
        plain = _plain(path)
        if not endpoint.path.endswith("*}") or (plain == path and path.islower()):
            return
        for meant in self:
            if meant.method in (method, "*") and meant.is_disguised(plain):
                if meant is not endpoint:
                    raise NotFound(f"There is no endpoint {shown_path(path)}; write {meant.path}.")
                return

    def _unknown(self, method: str, path: str) -> GatewayError:
        methods = {e.method for e in self if (e.match(path) if "{" in e.path else e.path == path)}
        path = shown_path(path)
        if methods:
            offered = ", ".join(sorted(methods))
            refused = MethodNotAllowed(f"{path} does not accept {method}; it takes {offered}.")
            refused.allowed = offered
            return refused
        return NotFound(f"There is no endpoint {path}; check the base URL and server.front_doors.")


def shown_path(path: str) -> str:
    """An unknown path for messages and the log: shortened, and without possible keys."""
    path = _KEY_LIKE.sub("…", path)
    return path if len(path) <= _LONGEST_SHOWN else path[:_LONGEST_SHOWN] + "…"
