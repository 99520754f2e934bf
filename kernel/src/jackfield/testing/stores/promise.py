"""A promise of the protocol, and how a test reports that it was broken."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Final

from jackfield.store import Store

from .site import Site

PATIENCE: Final = 10.0
"""Seconds until what does not happen is taken to never happen."""

Promise = Callable[[Site], Awaitable[None]]


class BrokenPromiseError(AssertionError):
    """What a store did against the protocol."""


def on_a_store(check: Callable[[Store], Awaitable[None]]) -> Promise:
    """A promise that is checked on one open store."""

    @wraps(check)
    async def kept(site: Site) -> None:
        async with site.open() as store:
            await check(store)

    return kept


def same(found: object, due: object, what: str = "") -> None:
    """Check that a value is the expected one."""
    __tracebackhide__ = True
    if found != due:
        raise BrokenPromiseError(f"{what + ': ' if what else ''}{found!r} is not {due!r}")


def holds(fact: object, what: str) -> None:
    """Check a condition."""
    __tracebackhide__ = True
    if not fact:
        raise BrokenPromiseError(what)


async def refused(error: type[Exception], call: Awaitable[Any]) -> Exception:
    """Check that a call raises an error, and return the error."""
    __tracebackhide__ = True
    try:
        result = await call
    except error as raised:
        return raised
    raise BrokenPromiseError(f"it gave {result!r} and should have raised {error.__name__}")


async def eventually(call: Callable[[], Awaitable[object]], due: object) -> None:
    """Repeat a call until its result is the expected one."""
    __tracebackhide__ = True
    found = None
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await call()
                if found == due:
                    return
                await asyncio.sleep(0.01)
    except TimeoutError:
        same(found, due, f"after {PATIENCE} s")
