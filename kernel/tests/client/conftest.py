"""A faulty upstream, a client that looks at its deadlines often, and an origin between them."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop
from tests.faults.faultd import Faultd

from jackfield._client import Client, Origin


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
    return client.origin(upstream.base_url, name="acme")
