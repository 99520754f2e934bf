"""`stop` closes what `start` opened, even after a failed start, and two may run at once."""

import asyncio
import gc
import os
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import evolve

from jackfield.errors import ConfigError
from jackfield.exchange import Exchange
from jackfield.plugin import Plugin
from jackfield.setup import Setup
from jackfield.testing.harness import Harness, environment, gateway_of, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody, has_hooks
from jackfield.testing.probe import cancelled_at_its_first_wait

_DESCRIPTORS = Path("/proc/self/fd")


async def leaves_nothing(subject: Subject) -> None:
    """There are as many tasks, threads and descriptors after the second run as after the first."""
    await _run(subject)
    tasks, threads, descriptors = _tasks(), _threads(), _open_descriptors()
    await _run(subject)
    for what, before, after in (
        ("task", tasks, _tasks()),
        ("thread", threads, _threads()),
        ("file or socket", descriptors, _open_descriptors()),
    ):
        left = sorted(set(after) - set(before))
        if left and len(after) > len(before):
            raise LawBrokenError(f"after stop a {what} was left: {left[0]}")


async def _run(subject: Subject) -> None:
    async with run_harness(subject) as harness:
        if not subject.is_provider:
            await harness.read(stream=True)
    await asyncio.sleep(0)


def _tasks() -> list[str]:
    return [f"{task.get_name()} {task.get_coro()}" for task in asyncio.all_tasks()]


def _threads() -> list[str]:
    named = [f"{one.name} {one.ident}" for one in threading.enumerate()]
    return [name for name in named if not name.startswith(("asyncio_", "jackfield-"))]


def _open_descriptors() -> list[str]:
    return os.listdir(_DESCRIPTORS) if _DESCRIPTORS.is_dir() else []


async def forgets_exchanges(subject: Subject) -> None:
    """Of three exchanges that have ended, at most the last is still referenced."""
    async with run_harness(subject) as harness:
        settled = [await _weakly(harness, stream=stream) for stream in (False, True, False)]
        gc.collect()
        held = sum(exchange() is not None for exchange in settled)
        if held > 1:
            raise LawBrokenError(
                f"it holds {held} of {len(settled)} exchanges that are over;"
                " what is for one request belongs into exchange.state"
            )


async def _weakly(harness: Harness, *, stream: bool) -> "weakref.ref[Exchange]":
    await harness.read(stream=stream)
    exchange = weakref.ref((await harness.settled()).exchange)
    harness.forget()
    return exchange


class FailsToStart(Plugin):
    """A plugin that cannot start."""

    async def start(self, setup: Setup) -> None:
        """Fail."""
        raise RuntimeError("it was told not to start")


async def stops_after_a_failed_start(subject: Subject) -> None:
    """`stop` copes with an interrupted start, and with a gateway that failed to start."""
    with environment(subject):
        await _break_off(subject)
        toml = f'{subject.toml}\n[plugins.failing]\nuse = "failing"\n'
        kinds: dict[str, Any] = {"failing": FailsToStart}
        gateway = gateway_of(evolve(subject, toml=toml), plugins=kinds)
        try:
            await gateway.start()
        except ConfigError as refused:
            if "'failing'" not in str(refused):
                raise LawBrokenError(f"it could not start: {refused}") from refused
        except Exception as error:
            raise LawBrokenError(f"its stop raised {error!r} after a failed start") from error


async def _break_off(subject: Subject) -> None:
    gateway = gateway_of(subject)
    plugin = next(one for one in gateway.loaded.plugins if one.name == subject.name)
    if plugin.brings_store:
        gateway.make_folder()
    else:
        await gateway.open_state()
    with suppress(asyncio.CancelledError):
        await cancelled_at_its_first_wait(plugin.start(gateway.setup))
    try:
        await plugin.stop()
    except Exception as error:
        raise LawBrokenError(
            f"its stop raised {error!r} after a start that was broken off"
        ) from error
    finally:
        await gateway.stop()


async def runs_side_by_side(subject: Subject) -> None:
    """A reload runs two instances at once, and then stops the older one."""
    async with run_harness(subject) as newer:
        async with run_harness(subject):
            pass
        if not subject.is_provider:
            await newer.read()
            exchange = (await newer.settled()).exchange
            if exchange.failures:
                raise LawBrokenError(
                    f"when another instance had stopped, it failed: {exchange.failures[0]}"
                )


LIFE_CYCLE = (
    Law("start-stop", "what start opens stop closes", leaves_nothing, everybody),
    Law(
        "failed-start",
        "stop copes with a start that has failed",
        stops_after_a_failed_start,
        everybody,
    ),
    Law("forgetting", "an exchange that is over is let go", forgets_exchanges, has_hooks),
    Law("side-by-side", "two instances do not disturb each other", runs_side_by_side, everybody),
)
