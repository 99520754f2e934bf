"""A gateway in this process whose admin listener is called without a socket."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from attrs import frozen
from multidict import CIMultiDict, CIMultiDictProxy

from jackfield._gateway import Gateway
from jackfield.http import HttpRequest
from jackfield.testing.gateway import observed_gateway

from .office import PLUGINS, TOML, Office


@frozen
class Answer:
    """What the admin listener says."""

    status: int
    headers: Mapping[str, str]
    body: Any


@frozen
class Admin:
    """Asks the admin listener of a gateway, as the owner unless a `key` is given."""

    gateway: Gateway

    @property
    def office(self) -> Office:
        return next(one for one in self.gateway.loaded.plugins if isinstance(one, Office))

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        key: str = "",
        client: str = "unix",
        **headers: str,
    ) -> Answer:
        path, _, query = path.partition("?")
        head = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
        head.setdefault("host", "localhost")
        head["content-type"] = "application/json"
        if key:
            head["authorization"] = f"Bearer {key}"
        sent = b"" if body is None else msgspec.json.encode(body)
        if isinstance(body, bytes):
            sent = body
        request = HttpRequest(method, path, query, CIMultiDictProxy(head), sent, client)
        response = await self.gateway.admin_frontend.handle(request)
        assert isinstance(response.body, bytes)
        return Answer(
            response.status, CIMultiDict(response.headers), msgspec.json.decode(response.body)
        )


@pytest.fixture
async def admin(tmp_path: Path) -> AsyncIterator[Admin]:
    """The admin listener of a gateway with teams."""
    async with observed_gateway(TOML, PLUGINS, directory=tmp_path) as gateway:
        yield Admin(gateway)
