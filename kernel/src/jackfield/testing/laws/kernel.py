"""A plugin works through the contract: it patches nothing, and does not change the process."""

import logging
import os
import signal
import sys
from collections.abc import Iterator

from jackfield.testing.harness import environment, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody

_MEMO = "__attrs_types_resolved__"
"""What attrs notes on a class when its fields' types are first asked for."""


async def leaves_the_kernel_alone(subject: Subject) -> None:
    """The kernel's modules and classes are the same after a request as before."""
    before = dict(_kernel())
    async with run_harness(subject) as harness:
        if not subject.is_provider:
            await harness.read(stream=True)
        after = dict(_kernel())
    changed = [name for name, was in before.items() if after.get(name) is not was]
    owners = {name for name, was in before.items() if isinstance(was, type)}
    added = [name for name in after.keys() - before if name.rpartition(".")[0] in owners]
    if changed or added:
        raise LawBrokenError(f"it changed {sorted([*changed, *added])[0]}")


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


async def leaves_the_process_alone(subject: Subject) -> None:
    """Process-wide settings are the same while it runs as before."""
    with environment(subject):
        before = _process()
        async with run_harness(subject):
            after = _process()
    changed = [name for name, was in before.items() if after[name] != was]
    if changed:
        raise LawBrokenError(f"it changed {changed[0]}, which is not its own alone")


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
