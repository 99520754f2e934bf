"""The figures, in groups that can be measured alone: what to run, and which bars come of it."""

from collections.abc import Callable, Sequence
from math import nan
from pathlib import Path
from statistics import median
from typing import Final

from attrs import define
from tests.bench import footprint, memory
from tests.bench.bars import Bar
from tests.bench.contenders import governed, jackfield, peers
from tests.bench.gateways import Gateway
from tests.bench.governance import redis
from tests.bench.machine import UPSTREAM_PORT, Machine
from tests.bench.traffic import (
    FULL_STREAMS,
    LONG_STREAMS,
    SATURATED,
    SHORT_STREAMS,
    STEADY,
    Phase,
    Round,
    Traffic,
    middle,
    running,
)

PLUGINS: Final = 8
MANY_PLUGINS: Final = 32
"""For chunks: with 8, what a hook costs is below what two runs of the same gateway differ by."""
CHUNKS_BETWEEN: Final = 40
GATEWAY: Final = "jackfield"
DIRECT: Final = "direct"
LEAN: Final = "low-rawclient-uv-msgspec-chain"


@define
class Bench:
    """What every figure is measured with."""

    machine: Machine
    peers_from: Path | None
    against: Sequence[str]
    repeats: int = 3
    pace: float = 1.0

    @property
    def traffic(self) -> Traffic:
        """The load, as long and as often as requested."""
        return Traffic(self.machine, self.repeats, self.pace)

    def gateway(self, port: int = 4801, plugin: str = "", number: int = 0) -> Gateway:
        """This gateway with some plugins of a kind."""
        return jackfield(self.machine.directory, port, plugin, number)

    def all(self) -> list[Gateway]:
        """This gateway and its peers."""
        return [self.gateway(), *peers(self.peers_from, self.against)]

    def rounds(self, gateways: Sequence[Gateway], *phases: Phase) -> list[Round]:
        """Start the gateways and put them under load."""
        with running(self.machine, gateways) as started:
            return self.traffic.rounds(started, phases)


def requests(bench: Bench) -> list[Bar]:
    """CPU time of a request with the gateway saturated."""
    gateways = bench.all()
    rounds = bench.rounds(gateways, SATURATED)
    what = "CPU/request, saturated"
    return [
        *(_known(f"{what}: {each.name}", rounds, SATURATED, each.name) for each in gateways),
        _ratio(what, rounds, SATURATED, ("tensorzero", 0.45, nan)),
        _ratio(what, rounds, SATURATED, (LEAN, 1.4, nan)),
        _ratio(what, rounds, SATURATED, ("nginx", nan, 3.0)),
    ]


def plugins(bench: Bench) -> list[Bar]:
    """What a plugin adds that does nothing."""
    idle, absent = f"{GATEWAY}-{PLUGINS}-idle", f"{GATEWAY}-{PLUGINS}-absent"
    many = f"{GATEWAY}-{MANY_PLUGINS}-idle"
    gateway, *others = [
        bench.gateway(),
        bench.gateway(4802, "idle", PLUGINS),
        bench.gateway(4803, "absent", PLUGINS),
        bench.gateway(4804, "idle", MANY_PLUGINS),
    ]
    rounds = bench.rounds([gateway, *others[:2]], SATURATED)
    streams = bench.rounds([gateway, others[2]], LONG_STREAMS, SHORT_STREAMS)

    def added(name: str) -> float:
        def of(one: Round) -> float:
            return _cpu(one, SATURATED, name) - _cpu(one, SATURATED, GATEWAY)

        return middle(rounds, of) / PLUGINS

    chunk = middle(streams, lambda one: _chunk(one, many) - _chunk(one, GATEWAY)) / MANY_PLUGINS
    return [
        Bar("a plugin with all five hooks, a request", added(idle), 4.0, 2.0, "µs"),
        Bar("a plugin with all five hooks, a chunk", chunk, 0.4, 0.2, "µs"),
        Bar("a plugin without hooks, a request", added(absent), 0.5, 0.2, "µs"),
    ]


def streams(bench: Bench) -> list[Bar]:
    """CPU time of chunks and of whole streams."""
    gateways = bench.all()
    rounds = bench.rounds(gateways, LONG_STREAMS, SHORT_STREAMS, FULL_STREAMS)
    chunk, stream = "CPU/chunk at 4,000/s", "CPU/stream of 51, saturated"

    def chunks(peer: str, must: float, aim: float) -> Bar:
        share = middle(rounds, lambda one: _chunk(one, GATEWAY) / _chunk(one, peer))
        return Bar(f"{chunk}, against {peer}", share, must, aim, "x")

    return [
        *(_known(f"{stream}: {each.name}", rounds, FULL_STREAMS, each.name) for each in gateways),
        *(
            Bar(f"{chunk}: {each.name}", _middle_chunk(rounds, each.name), nan, nan, "µs")
            for each in gateways
        ),
        chunks("tensorzero", 1.0, nan),
        chunks("raw-uv", nan, 1.1),
        _ratio(stream, rounds, FULL_STREAMS, ("tensorzero", 0.4, nan)),
        _ratio(stream, rounds, FULL_STREAMS, ("raw-uv", nan, 1.1)),
    ]


def latency(bench: Bench) -> list[Bar]:
    """What is added to the time that the provider takes."""
    direct = Gateway(name=DIRECT, port=UPSTREAM_PORT)
    rounds = bench.rounds([direct, bench.gateway()], STEADY, LONG_STREAMS)

    def added(phase: Phase, key: str) -> float:
        def of(one: Round) -> float:
            gateway, provider = one[GATEWAY, phase.name][key], one[DIRECT, phase.name][key]
            return float(gateway - provider) / 1000

        return middle(rounds, of)

    return [
        Bar("added at 500/s, p50", added(STEADY, "p50_us"), 0.5, 0.3, "ms"),
        Bar("added at 500/s, p99", added(STEADY, "p99_us"), 3.0, 1.5, "ms"),
        Bar("added to the first chunk, p50", added(LONG_STREAMS, "first_p50_us"), 0.5, 0.3, "ms"),
    ]


def governance(bench: Bench) -> list[Bar]:
    """What a key, three nested budgets and two rate limits add, on each store."""
    plain = bench.gateway()
    with redis(bench.machine.directory) as table:
        stores = [
            governed(bench.machine.directory, 4811 + at, s) for at, s in enumerate(("", table))
        ]
        rounds = bench.rounds([plain, *stores], SATURATED, STEADY)

    def added(name: str, phase: Phase, key: str) -> float:
        return middle(
            rounds, lambda one: one[name, phase.name][key] - one[GATEWAY, phase.name][key]
        )

    bars = []
    for store in stores:
        name = store.name
        bars += [
            Bar(f"CPU/request more, {name}", added(name, SATURATED, "cpu_us"), 35, nan, "µs"),
            Bar(f"p99 more at 500/s, {name}", added(name, STEADY, "p99_us") / 1000, 1, nan, "ms"),
        ]
    return bars


def open_streams(bench: Bench) -> list[Bar]:
    """Memory at rest and with many streams open."""
    gateway = bench.gateway()
    bars = []
    with running(bench.machine, [gateway]):
        bars.append(Bar("RSS, idle", gateway.idle_mb, 60, 45, "MB"))
        for number, must, aim in ((400, 80, 60), (2000, 160, 110)):
            opened, size = memory.with_open_streams(bench.machine, gateway, number)
            bars.append(Bar(f"RSS, {number:,} open streams", size, must, aim, "MB"))
            if opened < number:
                missing = f"streams of {number:,} that could not be opened"
                bars.append(Bar(missing, number - opened, 0, 0, ""))
    return bars


def growth(bench: Bench) -> list[Bar]:
    """Memory that does not come back."""
    number = int(200_000 * min(1.0, bench.pace**2))
    gateway = bench.gateway()
    with running(bench.machine, [gateway]):
        grown = memory.growth(bench.machine, gateway, number)
    return [Bar(f"growth of RSS over {number:,} requests, 5 % faulty", grown, 2.0, 0.0, "MB")]


def start(bench: Bench) -> list[Bar]:
    """How long until it answers."""
    seconds = []
    for _ in range(bench.repeats):
        gateway = bench.gateway()
        with running(bench.machine, [gateway]):
            seconds.append(gateway.start_seconds)
    return [
        Bar("start to first answer", median(seconds), 0.8, 0.4, "s"),
        Bar("import jackfield", footprint.import_seconds("jackfield", 5), 0.2, 0.1, "s"),
    ]


def installed(bench: Bench) -> list[Bar]:
    """What kernel, openai and demo bring into an empty environment."""
    own, third, megabytes = footprint.installed(bench.machine.directory / "venv")
    return [
        Bar(f"packages installed, {own} of them our own", own + third, 14, 12, ""),
        Bar("installed", megabytes, 45, 35, "MB"),
    ]


FIGURES: Final[dict[str, Callable[[Bench], list[Bar]]]] = {
    "requests": requests,
    "plugins": plugins,
    "streams": streams,
    "latency": latency,
    "governance": governance,
    "memory": open_streams,
    "growth": growth,
    "start": start,
    "installed": installed,
}
"""The groups by the names that --only takes."""


def _cpu(one: Round, phase: Phase, name: str) -> float:
    return float(one[name, phase.name]["cpu_us"])


def _chunk(one: Round, name: str) -> float:
    """Long and short streams at one rate of chunks differ by nothing but chunks."""
    return (_cpu(one, LONG_STREAMS, name) - _cpu(one, SHORT_STREAMS, name)) / CHUNKS_BETWEEN


def _middle_chunk(rounds: list[Round], name: str) -> float:
    return middle(rounds, lambda one: _chunk(one, name))


def _known(figure: str, rounds: list[Round], phase: Phase, name: str) -> Bar:
    """A figure without a bar, to compare with."""
    return Bar(figure, middle(rounds, lambda one: _cpu(one, phase, name)), nan, nan, "µs")


def _ratio(figure: str, rounds: list[Round], phase: Phase, bar: tuple[str, float, float]) -> Bar:
    peer, must, aim = bar
    share = middle(rounds, lambda one: _cpu(one, phase, GATEWAY) / _cpu(one, phase, peer))
    return Bar(f"{figure}, against {peer}", share, must, aim, "x")
