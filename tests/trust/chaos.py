"""Kills workers, and restarts the store's server, as the requests go on."""

import os
import random
import signal
import threading
import time
from collections import deque
from collections.abc import Sequence

from attrs import define, field
from tests.trust.backing import Backing
from tests.trust.gateway import Gateway

LOOK = 0.02
PATIENCE = 60.0
"""Seconds after the last request until it gives up what is left to do."""
OUTAGE = 1.0
"""Seconds for which the server stays away."""


def spread(count: int, total: int) -> deque[int]:
    """So many moments of a run of `total` requests, none of them at its very end."""
    return deque(total * (place + 1) * 95 // (count + 1) // 100 for place in range(count))


@define(eq=False)
class Chaos:
    """A thread that kills at given numbers of answered requests. `done` is set from outside.

    `comebacks` has for each kill the seconds until there was one more worker that serves.
    """

    gateway: Gateway
    backing: Backing
    kills: deque[int]
    restarts: deque[int]
    draw: random.Random
    done: int = 0
    killed: list[int] = field(factory=list, init=False)
    restarted: int = field(default=0, init=False)
    comebacks: list[float] = field(factory=list, init=False)
    _missing: deque[float] = field(factory=deque, init=False)
    _known: set[int] = field(factory=set, init=False)
    _back_at: float = field(default=0.0, init=False)
    _end: float = field(default=0.0, init=False)
    _over: threading.Event = field(factory=threading.Event, init=False)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> "Chaos":
        self._known = set(self.gateway.serving())
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end = time.monotonic() + PATIENCE
        self._over.set()
        self._thread.join()

    def progress(self, done: int) -> None:
        """So many requests have been answered."""
        self.done = done

    def _run(self) -> None:
        while not self._over.wait(LOOK) or self._has_more():
            self.gateway.check()
            self._tend_server()
            serving = self.gateway.serving()
            self._welcome(serving)
            if serving and self._is_due(self.kills):
                self._kill(self.draw.choice(serving))

    def _has_more(self) -> bool:
        time.sleep(LOOK)
        more = self.kills or self.restarts or self._back_at
        return bool(more) and time.monotonic() < self._end

    def _is_due(self, moments: deque[int]) -> bool:
        if moments and (self.done >= moments[0] or self._over.is_set()):
            moments.popleft()
            return True
        return False

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self._missing.append(time.monotonic())
        self._known.discard(pid)
        self.killed.append(pid)

    def _welcome(self, serving: Sequence[int]) -> None:
        for pid in serving:
            if pid not in self._known and pid not in self.killed and self._missing:
                self._known.add(pid)
                self.comebacks.append(time.monotonic() - self._missing.popleft())

    def _tend_server(self) -> None:
        if self._back_at:
            if time.monotonic() >= self._back_at:
                self._back_at = 0.0
                self.backing.begin()
                self.restarted += 1
        elif self._is_due(self.restarts):
            self.backing.end()
            self._back_at = time.monotonic() + OUTAGE
