"""A plugin works through the contract: it patches nothing, and does not change the process."""

import logging
import os
import signal
import sys
from collections.abc import Iterator
from typing import Final

from jackfield.plugin import Plugin
from jackfield.testing.harness import environment, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody

_MEMO = "__attrs_types_resolved__"
"""What attrs notes on a class when its fields' types are first asked for."""


_Changes = tuple[list[str], list[str]]

_KNOWN: Final[dict[tuple[type[Plugin], str], _Changes]] = {}
"""What the first start of a plugin changed: a change that stays looks like no change later."""


async def leaves_the_kernel_alone(subject: Subject) -> None:
    """The kernel's modules and classes are the same after a request as before."""
    if changed := (await _changes(subject))[0]:
        raise LawBrokenError(f"it changed {changed[0]}")


async def leaves_the_process_alone(subject: Subject) -> None:
    """Process-wide settings are the same while it runs as before."""
    if changed := (await _changes(subject))[1]:
        raise LawBrokenError(f"it changed {changed[0]}, which is not its own alone")


async def _changes(subject: Subject) -> _Changes:
    """The names of what it changes in the kernel, and in the process."""
    plugin = (subject.kind, repr(subject.config))
    if plugin not in _KNOWN:
        with environment(subject):
            kernel, process = dict(_kernel()), _process()
            async with run_harness(subject) as harness:
                settings = _process()
                if not subject.is_provider:
                    await harness.read(stream=True)
                functions = dict(_kernel())
        changed = [name for name, was in kernel.items() if functions.get(name) is not was]
        owners = {name for name, was in kernel.items() if isinstance(was, type)}
        added = [n for n in functions.keys() - kernel if n.rpartition(".")[0] in owners]
        reset = [name for name, was in process.items() if settings[name] != was]
        _KNOWN[plugin] = (sorted([*changed, *added]), reset)
    return _KNOWN[plugin]


def _kernel() -> Iterator[tuple[str, object]]:
    """All functions and classes of the kernel, including the classes' own, by their full names."""
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] == "jackfield" and ".testing" not in name:
            for key, value in [*vars(module).items()]:
                if callable(value):
                    yield f"{name}.{key}", value
                if isinstance(value, type) and value.__module__ == name:
                    yield from ((f"{name}.{key}.{at}", own) for at, own in _callables(value))


def _callables(kind: type) -> Iterator[tuple[str, object]]:
    for name, value in [*vars(kind).items()]:
        if name == _MEMO:
            continue
        if callable(value) or isinstance(value, property | classmethod | staticmethod):
            yield name, value


def _process() -> dict[str, object]:
    root = logging.getLogger()
    return {
        "the root logger": (root.level, *root.handlers),
        "os.environ": dict(os.environ),
        "what a signal does": {one: signal.getsignal(one) for one in signal.valid_signals()},
    }


KERNEL = (
    Law(
        "kernel-untouched",
        "a plugin leaves the kernel as it is",
        leaves_the_kernel_alone,
        everybody,
    ),
    Law(
        "process-untouched",
        "a plugin leaves the environment, the root logger and signals as they are",
        leaves_the_process_alone,
        everybody,
    ),
)
