"""A gateway that records, and its admin listener."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from jackfield.store import Entry
from jackfield.testing import GatewayClient
from jackfield.testing.gateway import ObservedGateway, admin_of, client_of, observed_gateway
from jackfield_usage.cells import tallies_of
from jackfield_usage.record import Record

CONFIG = """
[plugins.usage]

[prices."fake/*"]
input = "2.50"
output = 10
"""


@define(eq=False)
class Office:
    """A gateway as its callers see it, and as its administrators do."""

    gateway: ObservedGateway
    client: GatewayClient
    admin: GatewayClient

    async def ask(self, path: str) -> Any:
        """The JSON at a path of the admin listener."""
        answer = await self.admin.get(path)
        assert answer.status == 200, await answer.read()
        return await answer.json()

    def post(self, record: Record) -> None:
        """Post a record of nobody's."""
        entry = Entry("usage:", record.time, record.encoded(), (), tallies_of(record, ()))
        self.gateway.setup.ledger.post(entry)

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """The rows of a report."""
        rows: list[dict[str, Any]] = (await self.ask(f"/jackfield/usage?{query}"))["rows"]
        return rows

    async def records(self, query: str = "") -> list[dict[str, Any]]:
        """The records."""
        found: list[dict[str, Any]] = (await self.ask(f"/jackfield/usage/records?{query}"))["data"]
        return found


Opened = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a gateway with a configuration; its state outlives it."""

    @asynccontextmanager
    async def open_office(toml: str = CONFIG) -> AsyncIterator[Office]:
        gateway = observed_gateway(toml, directory=tmp_path)
        async with gateway:
            yield Office(gateway, client_of(gateway), admin_of(gateway))

    return open_office
