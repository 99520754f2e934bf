"""A faulty upstream, a client that looks at its deadlines often, and an origin between them."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop
from tests.faults.faultd import Faultd

from jackfield._client import Client, Origin
from jackfield.timeouts import Timeouts

QUICK = Timeouts(connect=0.3, first_byte=0.2, between_events=0.2, total=0.7)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run every async test of this folder on both event loops."""
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def upstream() -> AsyncIterator[Faultd]:
    async with Faultd() as upstream:
        yield upstream


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with Client(sweep_every=0.02) as client:
        yield client


@pytest.fixture
def origin(client: Client, upstream: Faultd) -> Origin:
    """Patient: for tests in which no deadline should pass."""
    return client.origin(upstream.base_url, name="acme")


@pytest.fixture
def quick_origin(client: Client, upstream: Faultd) -> Origin:
    """Impatient: for tests in which one must."""
    return client.origin(upstream.base_url, name="acme", timeouts=QUICK)
