"""The test harness of the laws: a gateway with the plugin between two recorders."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Literal

from attrs import define, evolve, frozen

from jackfield._config.toml_text import toml_key, toml_text
from jackfield.errors import ConfigError
from jackfield.plugin import Plugin

from .client import Answer, GatewayClient, Pending, Settled
from .gateway import ObservedGateway, client_of, observed_gateway
from .law import LawBrokenError, Subject
from .probe import Probe, probed
from .provider import FakeProvider, Gate
from .recorder import HookCall, Recorder

PATIENCE: Final = 5.0
"""Seconds that a request may take to be settled."""

CANARY: Final = "canary/secret+8mXv41"
"""The value of a secret that the configuration names and nobody has set."""

_VARIABLE: Final = re.compile(r"\benv:(\w+)")


@frozen
class Neighbour:
    """Another plugin, which fails or answers early."""

    place: Literal["before", "after"]
    hook: str
    kind: str

    def table(self) -> str:
        """Its table in the TOML."""
        head = f'[plugins.{self.place}]\nuse = "faulty"\n'
        return f'{head}hook = "{self.hook}"\nkind = "{self.kind}"\n'


@define(eq=False)
class Harness:
    """A running gateway with the plugin under test."""

    subject: Subject
    gateway: ObservedGateway
    client: GatewayClient
    probe: Probe

    @property
    def plugin(self) -> Plugin:
        """The plugin under test."""
        plugin: Plugin = self.client.plugin(self.subject.name)
        return plugin

    @property
    def fake(self) -> FakeProvider:
        """The provider behind `fake/…`."""
        return self.client.fake

    def start_chat(
        self, *, stream: bool = False, text: str = "", model: str = "fake/echo"
    ) -> Pending:
        """Begin a request that the plugin lets pass."""
        text = text or self.subject.texts[0]
        return self.client.start_chat(
            text, model=model, stream=stream, headers=self.subject.headers
        )

    async def read(
        self, *, stream: bool = False, text: str = "", model: str = "fake/echo"
    ) -> Answer:
        """Make a request and read its answer to the end."""
        answer = await self.start_chat(stream=stream, text=text, model=model)
        await answer.read()
        return answer

    async def settled(self) -> Settled:
        """The only exchange, once it has ended."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.gateway.idle()
        except TimeoutError:
            raise LawBrokenError("the request was never settled") from None
        settled = [
            one for one in self.client.settled if one.exchange not in self.gateway.plugin_requests
        ]
        if len(settled) != 1:
            raise LawBrokenError(f"{len(settled)} exchanges were settled, and one was made")
        return settled[0]

    async def until(self, gate: Gate, other: "asyncio.Task[Any]") -> bool:
        """Wait until the provider waits at the gate; False if something else answered."""
        reached = asyncio.ensure_future(gate.reached())
        await asyncio.wait({reached, other}, return_when=asyncio.FIRST_COMPLETED)
        return reached.done() or not reached.cancel()

    def forget(self) -> None:
        """Drop everything that has been noted so far."""
        self.client.settled.clear()
        self.probe.calls.clear()
        for one in self.client.plugins.values():
            if isinstance(one, Recorder):
                one.calls.clear()
            elif isinstance(one, FakeProvider):
                one.requests.clear()

    def calls_of(self, plugin: str) -> list[HookCall]:
        """The calls of a plugin's hooks, including those of the one under test."""
        if plugin == self.subject.name:
            return [*self.probe.calls]
        calls = [call for call in self.client.calls() if call.plugin == plugin]
        return [call for call in calls if call.exchange not in self.gateway.plugin_requests]


@asynccontextmanager
async def run_harness(
    subject: Subject,
    neighbour: Neighbour | None = None,
    keys: Mapping[str, Any] | None = None,
    plugins: Mapping[str, type[Plugin]] | None = None,
) -> AsyncIterator[Harness]:
    """Run a gateway with the plugin between two recorders; `keys` go into its table."""
    probe = Probe()
    kind = subject.kind if subject.is_provider else probed(subject.kind, probe)
    async with _beside(subject) as tried:
        gateway = gateway_of(evolve(tried, kind=kind), neighbour, keys, plugins)
        try:
            await gateway.start()
            yield Harness(subject, gateway, client_of(gateway), probe)
        finally:
            await _stop(gateway)


def gateway_of(
    subject: Subject,
    neighbour: Neighbour | None = None,
    keys: Mapping[str, Any] | None = None,
    plugins: Mapping[str, type[Plugin]] | None = None,
) -> ObservedGateway:
    """The gateway of a harness, not started."""
    given = {"subject": subject.kind, **(plugins or {})}
    try:
        return observed_gateway(toml_of(subject, neighbour, keys), given)
    except ConfigError as error:
        raise LawBrokenError(f"its configuration is refused:\n{error}") from None


def created(subject: Subject, keys: Mapping[str, Any] | None = None) -> Plugin:
    """The plugin as the loader creates it, not started."""
    with environment(subject):
        gateway = gateway_of(subject, None, keys)
    return next(one for one in gateway.loaded.plugins if one.name == subject.name)


@asynccontextmanager
async def _beside(subject: Subject) -> AsyncIterator[Subject]:
    """The plugin with what it needs beside it running, and its table pointing there."""
    with environment(subject):
        if subject.beside is None:
            yield subject
            return
        async with subject.beside() as more:
            if isinstance(more, str):
                yield evolve(subject, toml=f"{subject.toml}\n{more}")
            else:
                yield evolve(subject, config={**subject.config, **more})


@contextmanager
def environment(subject: Subject) -> Iterator[None]:
    """Give a value to the environment variables that the configuration names."""
    names = [match for match in _VARIABLE.findall(repr(subject.config)) if match not in os.environ]
    os.environ.update(dict.fromkeys(names, CANARY))
    try:
        yield
    finally:
        for name in names:
            os.environ.pop(name, None)


async def _stop(gateway: ObservedGateway) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await gateway.stop()
    except TimeoutError:
        gateway._live.clear()
        await gateway.stop()
        raise LawBrokenError("the gateway could not stop: a request was never settled") from None


def toml_of(
    subject: Subject, neighbour: Neighbour | None = None, keys: Mapping[str, Any] | None = None
) -> str:
    """The configuration of a harness."""
    section = "providers" if subject.is_provider else "plugins"
    own = {"use": "subject", **subject.config, **(keys or {})}
    lines = [f"{toml_key(key)} = {toml_text(value)}" for key, value in own.items()]
    table = f"[{section}.{toml_key(subject.name)}]\n" + "\n".join(lines) + "\n"
    before = neighbour.table() if neighbour and neighbour.place == "before" else ""
    after = neighbour.table() if neighbour and neighbour.place == "after" else ""
    return "\n".join(
        [
            subject.toml,
            '[upstream]\nretries = 0\n[providers.spare]\nuse = "fake"\n',
            '[models.pair]\ntargets = ["fake/echo"]\nfallbacks = ["spare/echo"]\n',
            _recorder("outer"),
            before,
            table,
            after,
            _recorder("inner"),
        ]
    )


def names_in_order(harness: Harness) -> list[str]:
    """The names of all plugins with hooks, in the order of the TOML."""
    plugins = harness.gateway.chain.plugins
    return [one.name for one in plugins if isinstance(one, Recorder) or one is harness.plugin]


def _recorder(name: str) -> str:
    return f'[plugins.{name}]\nuse = "recorder"\n'
