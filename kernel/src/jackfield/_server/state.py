"""What all connections of one server share: the handler, the limits and the counts."""

import asyncio
import logging
import math
import time
from collections import Counter
from email.utils import formatdate
from itertools import chain
from typing import Protocol

from attrs import define, evolve, field

from jackfield._outbox import Outbox
from jackfield._server.handler import Handler
from jackfield._server.limits import Limits
from jackfield.errors import Overloaded

logger = logging.getLogger("jackfield.server")

LINGERING = 100
"""Refused connections that may stay open until their clients have read why."""

_READINESS = "/ready"
_ALWAYS_SERVED = frozenset({"/health", _READINESS})
# Load balancers poll at least every 30 seconds.
_WATCHER_SECONDS = 60.0
_USED_SECONDS = 1.0
_REPORT_SECONDS = 1.0
_REPORTED_MAX = 1000


class Client(Protocol):
    """A connection as the server sees it."""

    deadline: float

    def expire(self, now: float) -> None:
        """Handle a deadline that has passed."""

    def retire(self) -> None:
        """Close as soon as no request of the client is running."""

    def abort(self) -> None:
        """Close at once."""


@define(eq=False)
class ServerState:
    """Counts connections and requests, and says when there are too many."""

    handler: Handler
    limits: Limits
    loop: asyncio.AbstractEventLoop
    connections: set[Client] = field(factory=set)
    refused: set[Client] = field(factory=set)
    in_flight: int = 0
    arriving: int = 0
    draining: bool = False
    date: str = ""
    outbox: Outbox = field(init=False)
    empty: asyncio.Event = field(factory=asyncio.Event)
    _watched_until: float = field(default=-math.inf)
    _lags: tuple[float, float] = (0.0, 0.0)
    _per_client: Counter[str] = field(factory=Counter)
    _reported: dict[str, float] = field(factory=dict)

    def __attrs_post_init__(self) -> None:
        self.outbox = Outbox(self.loop)

    def admit(self, connection: Client, address: str) -> bool:
        """Count a new connection, unless there are too many."""
        most = self.limits.connections_per_client or math.inf
        if len(self.connections) >= self.limits.connections or self._per_client[address] >= most:
            self.refused.add(connection)
            return False
        self._per_client[address] += 1
        self.connections.add(connection)
        self.empty.clear()
        return True

    def forget(self, connection: Client, address: str) -> None:
        """Stop counting a lost connection."""
        self.refused.discard(connection)
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        self._per_client[address] -= 1
        if not self._per_client[address]:
            del self._per_client[address]
        self._check_empty()

    @property
    def watched(self) -> bool:
        """Whether requests run, a kept connection was just used, or `/ready` was polled lately."""
        # An idle connection's deadline says when it was used last.
        idle = [each.deadline - self.limits.idle_seconds for each in self.connections]
        lately = max([self._watched_until, *(since + _USED_SECONDS for since in idle)])
        return self.in_flight > 0 or time.monotonic() < lately

    def began(self, path: str) -> None:
        """Count a request that begins."""
        self.in_flight += 1
        if path == _READINESS:
            self._watched_until = time.monotonic() + _WATCHER_SECONDS

    def finished(self) -> None:
        """Count a request that ended."""
        self.in_flight -= 1
        if self.draining:
            self._check_empty()

    def drain(self) -> None:
        """From now on every response is the last on its connection.

        A client whose response had begun before has a moment to send a request, and is told then.
        """
        self.draining = True
        self.limits = evolve(self.limits, idle_seconds=self.limits.greeting_seconds)
        self._check_empty()

    def overload(self, path: str) -> Overloaded | None:
        """The error with which to shed a request to `path`, if there is too much load."""
        limits = self.limits
        lagging = bool(limits.max_lag) and min(self._lags) > limits.max_lag
        if (self.in_flight < limits.requests and not lagging) or path in _ALWAYS_SERVED:
            return None
        return Overloaded("The gateway is overloaded; try again.", retry_after=1.0)

    def sweep(self, now: float, late: float) -> None:
        """Expire what is due; `late` is how many seconds late the loop runs this sweep."""
        self._lags = (self._lags[1], late)
        self.date = f"Date: {formatdate(usegmt=True)}\r\n"
        for due in [each for each in chain(self.connections, self.refused) if each.deadline <= now]:
            due.expire(now)

    def report(self, address: str, problem: str) -> None:
        """Log a malformed request, at most one per second and client."""
        now = time.monotonic()
        if now - self._reported.get(address, float("-inf")) < _REPORT_SECONDS:
            return
        if len(self._reported) >= _REPORTED_MAX:
            self._reported.clear()
        self._reported[address] = now
        logger.warning("refused a malformed request from %s: %s", address, problem)

    def _check_empty(self) -> None:
        if self.draining and not self.connections and not self.in_flight:
            self.empty.set()
