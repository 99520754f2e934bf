"""One run of the proof: a gateway, its clients, what befalls them, and what it comes to."""

import asyncio
import datetime as dt
import random
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from attrs import define, field, frozen
from builtin_plugins.redis_store.tests.redis_servers import free_port
from tests.trust.backing import STATE, Backing, backing
from tests.trust.books import Books, Records, Truth, balances
from tests.trust.chaos import Chaos, spread
from tests.trust.fill import Fill
from tests.trust.gateway import CONFIG, Gateway, killed_at_last
from tests.trust.limits import KEYS, Limits
from tests.trust.load import Load


@frozen
class Size:
    """How much of everything."""

    requests: int = 10_000
    at_once: int = 200
    workers: int = 8
    kills: int = 50
    restarts: int = 3


@define
class Evidence:
    """What one run has left behind: `before` and `after` the provider's invoice was applied."""

    store: str
    size: Size
    limits: Limits
    chaos: Chaos
    load: Load
    reserves: Mapping[int, int]
    code: int
    truth: Truth = field(factory=Truth)
    before: Books = field(factory=Books)
    after: Books = field(factory=Books)
    seconds: float = 0.0


async def run(store: str, size: Size, folder: Path, *, seed: int, module: str) -> Evidence:
    """Run it on one store; `module` serves in the place of `jackfield`."""
    began = time.monotonic()
    with backing(store, folder) as state:
        async with providing() as provider:
            trial = await asyncio.to_thread(Trial.prepare, folder, state, provider, size, module)
            with killed_at_last(trial.gateway):
                evidence = await trial.run(store, seed)
            await trial.account(evidence, provider)
    evidence.seconds = time.monotonic() - began
    return evidence


@asynccontextmanager
async def providing() -> AsyncIterator[int]:
    """The provider, in a process of its own, inside the block; its port."""
    port = free_port()
    command = (sys.executable, "-m", "tests.trust.provider", str(port))
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    try:
        while not await _is_open(port):  # noqa: ASYNC110 - another process opens it
            await asyncio.sleep(0.05)
        yield port
    finally:
        process.kill()
        await process.wait()


async def _is_open(port: int) -> bool:
    try:
        await Truth.at(port)
    except OSError:
        return False
    return True


@define
class Trial:
    """A gateway, its store, its budgets and the texts of its keys."""

    gateway: Gateway
    state: Backing
    size: Size
    limits: Limits
    keys: Sequence[str]

    @classmethod
    def prepare(
        cls, folder: Path, state: Backing, provider: int, size: Size, module: str
    ) -> "Trial":
        """Make the keys, then the budgets."""
        folder.mkdir(parents=True, exist_ok=True)
        gateway = Gateway(folder, provider, module)
        limits = Limits(size.requests)
        rest = {"workers": size.workers, "state": folder / STATE, "provider": provider}
        config = CONFIG.format(port="{port}", **rest) + state.toml
        gateway.config.write_text(config.format(port=provider) + limits.toml())
        with ThreadPoolExecutor() as pool:
            made = dict(zip(KEYS, pool.map(gateway.make_key, KEYS.values(), KEYS), strict=True))
        limits = Limits(size.requests, {name: id for name, (id, _) in made.items()})
        gateway.port = free_port()  # now, so that nobody takes it before the gateway does
        gateway.config.write_text(config.format(port=gateway.port) + limits.toml())
        return cls(gateway, state, size, limits, [text for _, text in made.values()])

    async def run(self, store: str, seed: int) -> Evidence:
        """Ask, kill and restart; then spend what is left, and stop."""
        size, gateway = self.size, self.gateway
        restarts = spread(size.restarts if self.state.can_restart else 0, size.requests)
        kills = spread(size.kills, size.requests)
        await asyncio.to_thread(gateway.start, size.workers)
        draw = random.Random(seed)  # noqa: S311 - no secret
        chaos = Chaos(gateway, self.state, kills, restarts, draw)
        load = Load(gateway.url, self.keys, size.requests, size.at_once, chaos.progress)
        with chaos:
            await load.run()
        await asyncio.to_thread(gateway.settle, size.workers)
        fill = Fill(gateway.url, self.keys)
        await fill.run()
        code = await asyncio.to_thread(gateway.stop)
        return Evidence(store, size, self.limits, chaos, load, fill.reserves, code)

    async def account(self, evidence: Evidence, provider: int) -> None:
        """Read the books, apply the provider's invoice, and read them again."""
        evidence.truth = await Truth.at(provider)
        evidence.before = await self._books()
        invoice = self.gateway.folder / "invoice.csv"
        evidence.truth.as_invoice(invoice)
        day = dt.timedelta(days=1)
        since, until = ((dt.datetime.now(dt.UTC) + days).date() for days in (-day, day))
        span = ("--from", f"{since}", "--until", f"{until}")
        words = ("reconcile", str(invoice), "--provider", "truth", *span, "--apply")
        await asyncio.to_thread(self.gateway.command, *words)
        evidence.after = await self._books()

    async def _books(self) -> Books:
        records = await asyncio.to_thread(Records.of, self.gateway)
        return Books(records, await balances(self.state, self.limits.amounts))
