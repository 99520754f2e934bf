from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from jackfield.testing import FakeUpstream, run_gateway

Serving = Callable[[str], AbstractAsyncContextManager[str]]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture
def serving() -> Serving:
    return serve


@asynccontextmanager
async def serve(toml: str) -> AsyncIterator[str]:
    """The address of a gateway with this configuration, for official clients."""
    async with run_gateway(toml) as gateway, gateway.serve() as url:
        yield url
