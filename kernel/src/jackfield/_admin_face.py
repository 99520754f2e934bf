"""The admin listener's side of the gateway: who may ask, and for how long not after wrong keys."""

import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from jackfield._face import Face
from jackfield._gateway_dialect import GATEWAY_DIALECT
from jackfield.admin.errors import LockedOut
from jackfield.admin.residence import RESIDENCE, mistaken
from jackfield.admin.roles import MANAGE
from jackfield.endpoints import PUBLIC, Endpoint, EndpointTable
from jackfield.errors import GatewayError, Unauthenticated
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
    """When requests from each address had no valid key, as long as that counts."""

    def __init__(self) -> None:
        self._times: dict[str, deque[float]] = {}

    def add(self, client: str, now: float) -> None:
        """Note one; of too many addresses the one that was noted first is forgotten."""
        self._times.setdefault(client, deque(maxlen=_FAILURES)).append(now)
        if len(self._times) > _ADDRESSES:
            del self._times[next(iter(self._times))]

    def locked_for(self, client: str, now: float) -> float:
        """For how many seconds the address is locked out; 0 if it is not."""
        times = self._times.get(client)
        if times is None or len(times) < _FAILURES:
            return 0.0
        return max(0.0, times[0] + _SECONDS - now)


class GuardedTable(EndpointTable):
    """Endpoints of which only who may ask is told which there are."""

    def find(self, method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
        """The endpoint of a raw path; where there is none, one that says so."""
        try:
            return super().find(method, path)
        except GatewayError as error:
            return _nowhere(error), {}


def _nowhere(error: GatewayError) -> Endpoint:
    error.param = "path"

    async def refuse(exchange: Exchange, catalogue: "Catalogue") -> Response:
        raise error

    return Endpoint("*", "/{nowhere*}", GATEWAY_DIALECT, "operations", MANAGE, answer=refuse)


class AdminFace(Face):
    """Answers on the admin listener.

    A key that comes with a request is judged before anything else of it: who has a wrong one learns
    neither what is wrong with the body nor whether the path leads anywhere.

    Who can open its Unix socket is `principal` and needs no key. At an address of the network a key
    is needed, which no browser can be made to send: there are no cookies. Five requests without a
    valid one within a minute lock an address out until the first of them is a minute old.
    """

    def __init__(self, gateway: "Gateway", table: EndpointTable, principal: Principal) -> None:
        self.table: Final = GuardedTable(table)
        super().__init__(gateway, self.table, principal)
        # What is wrong with a body is told as where all callers must authenticate.
        self._checks_browsers, self._guarded = self._guarded, False
        self._has_keys = any(plugin.authenticates for plugin in gateway.chain.plugins)
        self._failures = Failures()

    async def handle_owned(self, request: HttpRequest) -> HttpResponse:
        """Answer, unless the address is locked out."""
        if _is_local(request):
            return await super().handle_owned(request)
        locked_for = self._failures.locked_for(request.client, time.monotonic())
        if locked_for:
            message = "Too many requests without a valid key came from this address."
            return self.refuse(LockedOut(message, retry_after=locked_for), request.path)
        response = await super().handle_owned(request)
        if response.status == Unauthenticated.status:
            self._failures.add(request.client, time.monotonic())
        return response

    def open(
        self,
        request: HttpRequest,
        request_id: str,
        tree: Any = None,
        problem: GatewayError | None = None,
    ) -> Exchange:
        """The exchange of a request. Raises GatewayError for one that is not understood."""
        if self._checks_browsers:
            self._check_browser(request)
        problem = problem or mistaken(request.headers.get(RESIDENCE, ""), self._gateway.setup)
        exchange = super().open(request, request_id, tree, problem)
        if not _is_local(request):
            exchange.principal = ANONYMOUS
            if not self._has_keys and exchange.endpoint.permission != PUBLIC:
                raise Unauthenticated(
                    "No plugin here knows keys, without which administration is open at a Unix"
                    ' socket alone: write server.admin = "unix:/path/to/socket".'
                )
        return exchange


def _is_local(request: HttpRequest) -> bool:
    return request.client == "unix"
