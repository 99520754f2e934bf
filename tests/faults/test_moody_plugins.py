"""Every failure of every hook, a thousand times each and all at once, ends as its policy says."""

import asyncio
import re
from collections import Counter
from pathlib import Path

import pytest
from attrs import frozen
from tests.faults.bars import Figures
from tests.faults.faultd import Faultd
from tests.faults.gateway import GatewayProcess, config, serving
from tests.faults.load import slowdown
from tests.faults.views import View, chat
from tests.faults.wires import Wire, request

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
CALLS = 1000
TOGETHER = 60
HOOKS = ["pre_request", "route", "call_provider", "on_stream_chunk", "post_response"]
KINDS = ["raise", "wrong_type", "hang", "undeclared", "cancel", "refuse"]
ENDLESS = [("on_stream_chunk", "hang"), ("call_provider", "hang")]
"""A sync hook cannot wait; the other is judged by itself."""
PLUGINS = """
[plugins.refusing]
use = "moody"
deadline_ms = 100
[plugins.skipping]
use = "moody"
deadline_ms = 100
on_error = "skip"
accept_risk = true
"""
PATIENT = {"first_byte": 9.0, "between_events": 9.0, "total": 20.0}


@frozen
class Call:
    """One request that has a plugin fail, and how it must end."""

    policy: str
    hook: str
    kind: str
    stream: bool

    @property
    def model(self) -> str:
        """The model that asks for it."""
        return f"same/{self.policy}.{self.hook}.{self.kind}"

    @property
    def bytes(self) -> bytes:
        """The request."""
        return request(chat(self.model, stream=self.stream))

    def ends_as_it_must(self, view: View) -> bool:
        """Whether an answer is what the plugin's policy says: a refusal is no failure."""
        goes_on = self.policy == "skipping" and self.kind != "refuse"
        if goes_on or (self.stream and self.hook == "post_response"):
            return (view.kind, view.status) == ("success", 200)
        if self.hook == "on_stream_chunk":
            return view.kind == "error event"
        return (view.kind, view.status) == ("error", 403 if self.kind == "refuse" else 500)


def calls_of(hook: str) -> list[Call]:
    """So many of each kind, by turns with both policies, whole and streamed, in mixed order."""
    kinds = [kind for kind in KINDS if (hook, kind) not in ENDLESS]
    return [
        Call(
            ("refusing", "skipping")[number % 2],
            hook,
            kind,
            hook == "on_stream_chunk" or bool(number // 2 % 2),
        )
        for number in range(CALLS)
        for kind in kinds
    ]


async def make(gateway: GatewayProcess, calls: list[Call]) -> Counter[str]:
    """Make all of these calls; the ones that ended otherwise than they must."""
    wrong: Counter[str] = Counter()
    left = iter(calls)

    async def caller() -> None:
        wire = await Wire.to(gateway.port)
        for call in left:
            view = await wire.request(call.bytes)
            if not call.ends_as_it_must(view):
                wrong[f"{call}: {view.kind} {view.status}"] += 1
        await wire.leave()

    await asyncio.gather(*(caller() for _ in range(TOGETHER)))
    return wrong


@pytest.mark.parametrize("hook", HOOKS)
async def test_a_failing_hook_always_ends_as_its_policy_says(
    directory: Path, figures: Figures, hook: str
) -> None:
    calls = calls_of(hook)
    failures = sum(call.kind != "refuse" for call in calls)
    row = figures.of(f"plugin fails in {hook}", len(calls))
    async with Faultd() as upstream:
        toml = config(upstream.base_url, PLUGINS, timeouts=PATIENT)
        async with serving(directory, toml) as gateway:
            wrong = await make(gateway, calls)
    failed = re.compile(rf"plugin \w+ failed in {hook}: .*; request (\S+)")
    named = {match[1] for line in gateway.log if (match := failed.search(line))}
    row.at_most(0, wrong.total(), "calls that ended otherwise")
    row.at_most(0, failures - len(named), "failures not in the log")


async def test_a_plugin_that_hangs_around_an_attempt_is_given_up(
    directory: Path, figures: Figures
) -> None:
    row = figures.of("plugin hangs in call_provider", 100)
    hanging = Call("refusing", "call_provider", "hang", stream=False)
    async with serving(directory, config("http://127.0.0.1:9", PLUGINS)) as gateway:
        wires = [await Wire.to(gateway.port) for _ in range(100)]
        tasks = [asyncio.create_task(wire.request(hanging.bytes)) for wire in wires]
        _, waiting = await asyncio.wait(tasks, timeout=4)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for wire in wires:
            await wire.leave(rudely=True)
    row.at_most(0, len(waiting), "not answered 2 s after the provider's total")


async def test_plugins_that_hang_do_not_slow_down_others(directory: Path, figures: Figures) -> None:
    row = figures.of("plugin hangs", 100)
    patient = PLUGINS.replace("deadline_ms = 100", "deadline_ms = 60000")
    hanging = Call("refusing", "pre_request", "hang", stream=False)
    async with Faultd() as upstream:
        toml = config(upstream.base_url, patient)
        async with serving(directory, toml) as calm, serving(directory, toml) as gateway:
            wires = [await Wire.to(gateway.port) for _ in range(100)]
            for wire in wires:
                wire.send(hanging.bytes)
            slower = await slowdown(calm.port, gateway.port)
            for wire in wires:
                await wire.leave()
    row.at_most(10, slower, "% more p99 for others")


@pytest.mark.parametrize("hook", HOOKS)
async def test_every_block_of_the_event_loop_is_found_and_named(
    directory: Path, figures: Figures, hook: str
) -> None:
    blocks = 20
    row = figures.of(f"plugin blocks in {hook}", blocks)
    call = Call("refusing", hook, "block", stream=hook == "on_stream_chunk")
    async with Faultd() as upstream:
        toml = config(upstream.base_url, PLUGINS, timeouts=PATIENT)
        async with serving(directory, toml) as gateway:
            wire = await Wire.to(gateway.port)
            for _ in range(blocks):
                assert (await wire.request(call.bytes)).kind == "success"
            await wire.leave()
    named = [line for line in gateway.log if "blocked for over" in line]
    row.at_least(blocks, sum("plugin refusing" in line for line in named), "blocks that were named")
