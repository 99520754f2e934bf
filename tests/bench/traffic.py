"""The kinds of load, and rounds of them over several gateways."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from math import nan
from statistics import median
from typing import Final

from attrs import define, frozen
from tests.bench.gateways import Gateway
from tests.bench.machine import Machine, Result, Unfit


@frozen
class Phase:
    """One kind of load. `rate` is in requests a second; 0 for `conns` that never rest."""

    name: str
    upstream: dict[str, int]
    seconds: float
    conns: int = 0
    rate: float = 0.0
    stream: bool = False


_AT_ONCE: Final = {"latency_us": 0, "bytes": 1200, "fault_every": 0}
_STREAM: Final = {**_AT_ONCE, "gap_us": 5000}

SATURATED: Final = Phase("saturated", _AT_ONCE, 2.5, conns=64)
STEADY: Final = Phase("steady", {**_AT_ONCE, "latency_us": 60_000}, 3.0, rate=500)
LONG_STREAMS: Final = Phase("long streams", {**_STREAM, "events": 51}, 3.0, rate=80, stream=True)
SHORT_STREAMS: Final = Phase("short streams", {**_STREAM, "events": 11}, 2.0, rate=400, stream=True)
FULL_STREAMS: Final = Phase("full streams", {**_STREAM, "events": 51}, 4.0, conns=400, stream=True)

Round = dict[tuple[str, str], Result]
"""Results of one round, by the names of gateway and phase."""


@define
class Traffic:
    """Runs phases; `pace` shortens them all."""

    machine: Machine
    repeats: int = 3
    pace: float = 1.0

    def rounds(self, gateways: Sequence[Gateway], phases: Iterable[Phase]) -> list[Round]:
        """Each round goes through all gateways, so that what is compared was measured together."""
        found: list[Round] = [{} for _ in range(self.repeats)]
        for number, one in enumerate(found, 1):
            for phase in phases:
                for gateway in gateways:
                    say(f"round {number}: {phase.name}, {gateway.name}")
                    one[gateway.name, phase.name] = self.run(gateway, phase)
        return found

    def run(self, gateway: Gateway, phase: Phase) -> Result:
        """One phase on one gateway. Raises Unfit when an answer is wrong."""
        self.machine.upstream(**phase.upstream)
        rate = phase.rate * (gateway.load_share if phase.stream else 1.0)
        load = f"--rate {rate}" if rate else f"--conns {phase.conns}"
        options = f"{load} --warmup {0.6 * self.pace} --seconds {phase.seconds * self.pace}"
        request = gateway.request(stream=phase.stream)
        result = self.machine.load(request, options, gateway.pids())
        if result["bad"] or not result["good"]:
            problem = result["problem"] or "no answers"
            message = f"{gateway.name}, {phase.name}: {result['bad']} bad: {problem}"
            if gateway.name.startswith("jackfield"):
                raise Unfit(message)
            say(message)
        gateway.settle()
        return result


@contextmanager
def running(machine: Machine, gateways: Iterable[Gateway]) -> Iterator[list[Gateway]]:
    """Those of the gateways that start; our own must."""
    with ExitStack() as stack:
        started = []
        machine.upstream(latency_us=0, fault_every=0)
        for gateway in gateways:
            say(f"starting {gateway.name}")
            try:
                gateway.start(machine.directory)
            except Unfit as reason:
                if gateway.name.startswith("jackfield"):
                    raise
                say(str(reason))
                continue
            stack.callback(gateway.stop)
            started.append(gateway)
        yield started


def middle(rounds: Iterable[Round], figure: Callable[[Round], float]) -> float:
    """The median of a figure over the rounds; NaN where a gateway that it needs is absent."""
    values = []
    for one in rounds:
        try:
            values.append(figure(one))
        except (KeyError, ZeroDivisionError):
            continue
    return median(values) if values else nan


def say(text: str) -> None:
    """Tell whoever waits what goes on."""
    sys.stderr.write(f"bench: {text}\n")
