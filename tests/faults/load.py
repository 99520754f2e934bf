"""Clients that measure: one request after the other, or at a steady rate whatever comes of them."""

import asyncio
import statistics
import time
from collections.abc import Callable

from attrs import define, field
from tests.faults.views import View, chat
from tests.faults.wires import Wire, request

SHORT = request(chat("same/m"))


def percentile(values: list[float], part: float) -> float:
    """The value that this part of them does not exceed."""
    return sorted(values)[int((len(values) - 1) * part)]


async def slowdown(calm: int, loaded: int, *, windows: int = 21, size: int = 100) -> float:
    """By how many percent the p99 of short requests at one port exceeds that at the other.

    Both are loaded in turns, window by window, and the median of the windows counts. It is measured
    twice and the lower figure taken: what else the machine does may favour one of them for a while.
    """
    wires = [await Wire.to(calm), await Wire.to(loaded)]
    ratios = []
    for _ in range(2):
        found: list[list[float]] = [[], []]
        for turn in range(2 * windows):
            views = [await wires[turn % 2].request(SHORT) for _ in range(size)]
            assert {view.kind for view in views} == {"success"}
            found[turn % 2].append(percentile([view.seconds for view in views], 0.99))
        usual, meanwhile = (statistics.median(each) for each in found)
        ratios.append(meanwhile / usual)
    for wire in wires:
        await wire.leave()
    return (min(ratios) - 1) * 100


@define(eq=False)
class Steady:
    """Requests at a steady rate, which do not wait for each other.

    With `reuse` they are sent on idle connections as long as there are any, else each on its own.
    `make` has the bytes of the request of a number.
    """

    port: int
    rate: float
    make: Callable[[int], bytes] = field(default=lambda _: SHORT)
    reuse: bool = False
    views: dict[int, View] = field(factory=dict)
    broken: list[str] = field(factory=list)
    refused: int = 0
    _idle: list[Wire] = field(factory=list)
    _over: bool = False

    async def run(self, seconds: float = float("inf")) -> None:
        """Ask for that long, or until stopped; return when all have been answered."""
        began = time.monotonic()
        number = 0
        async with asyncio.TaskGroup() as asking:
            while not self._over and (due := number / self.rate) < seconds:
                await asyncio.sleep(began + due - time.monotonic())
                asking.create_task(self._send(number))
                number += 1
        for wire in self._idle:
            await wire.leave()

    def stop(self) -> None:
        """Send no more."""
        self._over = True

    async def _send(self, number: int) -> None:
        try:
            wire = self._idle.pop() if self._idle else await Wire.to(self.port)
        except ConnectionRefusedError:
            self.refused += 1
            return
        try:
            self.views[number] = await wire.request(self.make(number))
        except (OSError, EOFError) as error:
            self.broken.append(f"{type(error).__name__} of request {number}")
        if self.reuse and number in self.views:
            self._idle.append(wire)
        else:
            await wire.leave()

    def failed(self) -> list[str]:
        """What went wrong: requests that broke off, and answers that are no success."""
        bad = [f"{n}: {v.kind} {v.status}" for n, v in self.views.items() if v.kind != "success"]
        return self.broken + bad
