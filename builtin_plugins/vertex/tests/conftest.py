"""A provider's server on loopback, for tests that need one."""

from collections.abc import AsyncIterator

import pytest

from jackfield.testing import FakeUpstream


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server
