"""The store of the tests is held to what every store promises."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jackfield.testing.memory_store import MemoryStore
from jackfield.testing.stores import PROMISES, Promise, Site
from jackfield.testing.stores.processes import PROCESSES

_opened: dict[str, MemoryStore] = {}


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[MemoryStore]:
    yield _opened.setdefault(where, MemoryStore())


OF_ONE_PROCESS = [promise for promise in PROMISES if promise not in PROCESSES]


@pytest.mark.parametrize("promise", OF_ONE_PROCESS, ids=lambda promise: promise.__name__)
async def test_store_keeps(promise: Promise) -> None:
    _opened.clear()
    await promise(Site(f"{__name__}:opened", "memory"))
