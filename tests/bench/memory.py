"""Memory: what many open streams hold, and what many requests leave behind."""

from time import sleep

from tests.bench.gateways import Gateway
from tests.bench.machine import Machine, read_result
from tests.bench.traffic import say

FAULTS = "--abandon 100"
"""One in a hundred clients leaves; of the rest one in 25 meets a provider's fault: together 5 %."""


def with_open_streams(machine: Machine, gateway: Gateway, number: int) -> tuple[int, float]:
    """How many of `number` streams were open at once, and the most memory, in MB."""
    say(f"{number} open streams")
    machine.upstream(latency_us=0, gap_us=300_000, events=51, fault_every=0)
    load = f"--conns {number} --warmup 0 --seconds 8"
    before = machine.upstream()
    with machine.start_load(gateway.request(stream=True), load) as process:
        most, opened = 0.0, 0
        while process.poll() is None:
            most = max(most, gateway.memory_mb())
            opened = max(opened, machine.upstream()["streams"] - before["streams"])
            sleep(0.1)
        read_result(process)
    gateway.settle()
    return opened, most


def growth(machine: Machine, gateway: Gateway, requests: int) -> float:
    """Megabytes that `requests` add to a quarter as many before them; one in four is a stream."""
    _mixed(machine, gateway, requests // 4)
    before = gateway.memory_mb()
    for _ in range(4):
        _mixed(machine, gateway, requests // 4)
        say(f"RSS {gateway.memory_mb():.1f} MB")
    return gateway.memory_mb() - before


def _mixed(machine: Machine, gateway: Gateway, requests: int) -> None:
    machine.upstream(latency_us=0, gap_us=0, events=11, bytes=1200, fault_every=25)
    for stream, number in ((False, requests * 3 // 4), (True, requests // 4)):
        load = f"--conns 64 --requests {number} {FAULTS}"
        result = machine.load(gateway.request(stream=stream), load)
        say(f"{result['good']} good, {result['bad']} bad, {result['left']} left early")
    gateway.settle()
