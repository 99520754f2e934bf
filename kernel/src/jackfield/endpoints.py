"""The endpoint table: a method and a path lead to a dialect, an operation and a permission."""

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from attrs import field, frozen

from jackfield.dialects import Dialect
from jackfield.errors import ConfigError, MethodNotAllowed, NotFound

if TYPE_CHECKING:
    from jackfield.catalogue import Catalogue
    from jackfield.exchange import Exchange
    from jackfield.response import Response

    Answering = Callable[[Exchange, Catalogue], Awaitable[Response]]

PUBLIC: Final = "public"
"""The permission of an endpoint that anyone may call, such as /health."""

_DOTS = re.compile(r"/(?:\.|%2e){1,2}(?:/|\\|%2f|%5c|$)", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{(\w+)(\*?)\}")


@frozen(eq=False)
class Endpoint:
    """One entry of the table.

    `path` may hold `{name}` for one segment and, at its end, `{name*}` for all that follows; both
    are percent-decoded in `params`. `permission` is what a principal must have. An endpoint with
    an `answer` is answered by it, between the hooks; any other goes through a plan to a provider.
    `upstream` is the path at the provider, below its base URL, with the same placeholders.
    `max_body` is in bytes; None is the server's own limit.
    """

    method: str
    path: str
    dialect: Dialect
    operation: str
    permission: str
    upstream: str | None = None
    max_body: int | None = None
    answer: "Answering | None" = None
    pattern: re.Pattern[str] | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "pattern", _compile(self.path))


def _compile(path: str) -> re.Pattern[str] | None:
    if "{" not in path:
        return None
    regex, at = "", 0
    for match in _PLACEHOLDER.finditer(path):
        regex += re.escape(path[at : match.start()])
        regex += f"(?P<{match[1]}>.+)" if match[2] else f"(?P<{match[1]}>[^/]+)"
        at = match.end()
    return re.compile(regex + re.escape(path[at:]))


_NO_PARAMS: Final[Mapping[str, str]] = {}


class EndpointTable:
    """All endpoints of a gateway. Exact paths win over patterns, longer patterns over shorter."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        self._exact: dict[tuple[str, str], Endpoint] = {}
        self._patterns: list[Endpoint] = []
        self._paths: set[str] = set()
        for endpoint in endpoints:
            self._add(endpoint)
        self._patterns.sort(key=lambda e: (e.path.endswith("*}"), -len(e.path)))

    def __iter__(self) -> Iterator[Endpoint]:
        yield from self._exact.values()
        yield from self._patterns

    def _add(self, endpoint: Endpoint) -> None:
        key = (endpoint.method, endpoint.path)
        taken = key in self._exact or any((e.method, e.path) == key for e in self._patterns)
        if taken:
            raise ConfigError([f"two plugins claim the endpoint {endpoint.method} {endpoint.path}"])
        if not endpoint.permission:
            raise ConfigError([f"the endpoint {endpoint.method} {endpoint.path} has no permission"])
        if endpoint.pattern is None:
            self._exact[key] = endpoint
            self._paths.add(endpoint.path)
        else:
            self._patterns.append(endpoint)

    def find(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
        """The endpoint of a raw path and the values of its placeholders.

        Raises NotFound for an unknown path and MethodNotAllowed for a known one.
        """
        endpoint = self._exact.get((method, path))
        if endpoint is not None:
            return endpoint, _NO_PARAMS
        if _DOTS.search(path):
            raise NotFound("A path with . or .. segments leads nowhere here.")
        known = path in self._paths
        for endpoint in self._patterns:
            match = endpoint.pattern.fullmatch(path) if endpoint.pattern else None
            if match is None:
                continue
            if endpoint.method in (method, "*"):
                return endpoint, {name: unquote(text) for name, text in match.groupdict().items()}
            known = True
        if known:
            raise MethodNotAllowed(f"{path} does not accept {method}.")
        raise NotFound(f"There is no endpoint {path}; the README lists those there are.")
