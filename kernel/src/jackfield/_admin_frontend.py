"""The admin listener's side of the gateway: authentication, and the lockout after wrong keys."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from jackfield._frontend import Frontend
from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield.admin.errors import LockedOut
from jackfield.admin.roles import MANAGE
from jackfield.admin.state_location import STATE_HEADER, misdirected
from jackfield.endpoints import PUBLIC, Endpoint, EndpointTable
from jackfield.errors import GatewayError, MethodNotAllowed, Unauthenticated
from jackfield.exchange import ANONYMOUS, Exchange, Principal
from jackfield.http import HttpRequest, HttpResponse
from jackfield.response import Response

if TYPE_CHECKING:
    from jackfield._gateway import Gateway
    from jackfield.catalogue import Catalogue

_FAILURES: Final = 5
_SECONDS: Final = 60.0
_ADDRESSES: Final = 1024


class Failures:
    """The times of recent requests without a valid key, by address."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def add(self, client: str, now: float) -> None:
        """Note a failure; when too many addresses are known, the oldest one is forgotten."""
        self._times.setdefault(client, deque(maxlen=_FAILURES)).append(now)
        if len(self._times) > _ADDRESSES:
            del self._times[next(iter(self._times))]

    def locked_for(self, client: str, now: float) -> float:
        """For how many more seconds the address is locked out; 0 if it is not."""
        times: Sequence[float] = self._times.get(client, ())
        return max(0.0, times[0] + _SECONDS - now) if len(times) == _FAILURES else 0.0


class GuardedTable(EndpointTable):
    """An endpoint table that reveals which endpoints exist only to callers who may ask."""

    def find(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
        """The endpoint for a raw path; an unknown path gets one that answers "not found"."""
        try:
            return super().find(method, path)
        except GatewayError as error:
            return _nowhere(error), {}


def _nowhere(error: GatewayError) -> Endpoint:
    error.param = "path"

    async def refuse(exchange: Exchange, catalogue: "Catalogue") -> Response:
        if isinstance(error, MethodNotAllowed):
            exchange.set_response_header("allow", error.allowed)
        raise error

    return Endpoint("*", "/{nowhere*}", GATEWAY_DIALECT, "operations", MANAGE, answer=refuse)


class AdminFrontend(Frontend):
    """Answers on the admin listener.

    A key is checked before anything else in the request, so a caller with a wrong key learns
    neither what is wrong with the body nor whether the path exists.

    Whoever can open the Unix socket acts as `principal` and needs no key. A network address
    requires a key, and there are no cookies, so no browser can be tricked into sending one. Five
    requests without a valid key within a minute lock an address out until the first of them is a
    minute old: it is no longer told what is wrong with a key. A valid key is still accepted, for
    else any program on this machine could keep administrators from revoking a key. Keys are too
    long to be guessed at any rate.
    """

    def __init__(self, gateway: "Gateway", table: EndpointTable, principal: Principal) -> None:
        self.table: Final = GuardedTable(table)
        super().__init__(gateway, self.table, principal)
        # Problems with a body are reported only to callers who have authenticated.
        self._checks_browsers, self._guarded = self._guarded, False
        self._has_keys = any(plugin.authenticates for plugin in gateway.chain.plugins)
        self._failures = Failures()

    async def handle_owned(self, request: HttpRequest) -> HttpResponse:
        """Answer; an address that is locked out gets the same refusal for every wrong key."""
        response = await super().handle_owned(request)
        if response.status != Unauthenticated.status or _is_local(request):
            return response
        now = time.monotonic()
        if not (locked_for := self._failures.locked_for(request.client, now)):
            self._failures.add(request.client, now)
            return response
        refused = LockedOut("Too many requests without a valid key.", retry_after=locked_for)
        return self.refuse(refused, request.path, dict(response.headers).get("x-request-id"))

    def open(
        self,
        request: HttpRequest,
        request_id: str,
        tree: Any = None,
        problem: GatewayError | None = None,
    ) -> Exchange:
        """The exchange for a request. Raises GatewayError if the request is malformed."""
        if self._checks_browsers:
            self._check_browser(request)
        problem = problem or misdirected(request.headers.get(STATE_HEADER, ""), self._gateway.setup)
        exchange = super().open(request, request_id, tree, problem)
        if not _is_local(request):
            exchange.principal = ANONYMOUS
            if not self._has_keys and exchange.endpoint.permission != PUBLIC:
                raise Unauthenticated(
                    "No plugin here checks keys, so administration is only possible through a Unix"
                    ' socket: set server.admin = "unix:/path/to/socket".'
                )
        return exchange


def _is_local(request: HttpRequest) -> bool:
    return request.client == "unix"
