"""A gateway with keys, and its administration."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import define

from jackfield import Plugin, Setup
from jackfield.testing import Answer, GatewayClient
from jackfield.testing.gateway import ObservedGateway, admin_of, client_of, observed_gateway
from jackfield.testing.memory_store import MemoryStore

CONFIG = """
[plugins.memory]

[models.fast]
targets = ["fake/small"]

[models.mixed]
targets = ["fake/small"]
fallbacks = ["other/large"]

[providers.fake]

[providers.other]
use = "fake"
"""


class Memory(Plugin):
    """Brings the one store of a test, which answers at once however busy the disk is."""

    brings_store = True
    store: Any = None

    async def start(self, setup: Setup) -> None:
        setup.add_store(type(self).store)


@define(eq=False)
class Office:
    """A gateway as its callers see it, and as its administrators do."""

    gateway: ObservedGateway
    client: GatewayClient
    admin: GatewayClient

    async def create(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Make something; what the answer says of it."""
        answer = await self.admin.post(f"/jackfield/{kind}", json=fields)
        body: dict[str, Any] = await answer.json()
        assert answer.status == 201, body
        return body

    async def key(self, **fields: Any) -> str:
        """A new key, of the organization acme by default."""
        belongs = {"organization", "team", "user", "project"} & fields.keys()
        made = await self.create("keys", **({} if belongs else {"organization": "acme"}), **fields)
        return str(made["key"])

    async def change(self, path: str, **fields: Any) -> Answer:
        """Change something, or do something with it."""
        method = "PATCH" if path.count("/") == 1 else "POST"
        return await self.admin.send(method, f"/jackfield/{path}", json=fields)

    async def do(self, key: str, method: str, path: str, **fields: Any) -> Answer:
        """Administer with a key."""
        headers = {"authorization": f"Bearer {key}"}
        answer: Answer = await self.admin.send(
            method, f"/jackfield/{path}", json=fields or None, headers=headers
        )
        return answer

    async def ask(self, key: str, model: str = "fake/echo", **more: Any) -> Answer:
        """Chat with a key."""
        headers = {"authorization": f"Bearer {key}", **more.pop("headers", {})}
        return await self.client.chat(model=model, headers=headers, **more)


@pytest.fixture(scope="session")
def administered() -> Callable[[ObservedGateway], GatewayClient]:
    """Makes clients of admin listeners."""
    return admin_of


@asynccontextmanager
async def opened(
    folder: Path,
    settings: str = "",
    more: str = "",
    plugins: Mapping[str, type[Plugin]] | None = None,
) -> AsyncIterator[Office]:
    toml = f"{CONFIG}\n[plugins.virtual_keys]\n{settings}\n{more}"
    gateway = observed_gateway(toml, {"memory": Memory, **(plugins or {})}, directory=folder)
    async with gateway:
        yield Office(gateway, client_of(gateway), admin_of(gateway))


Opening = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture
def office_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opening:
    """Opens a gateway whose table of the plugin has more in it; each at the same store."""
    monkeypatch.setattr(Memory, "store", MemoryStore())
    return lambda *words, **named: opened(tmp_path, *words, **named)


@pytest.fixture
async def office(office_with: Opening) -> AsyncIterator[Office]:
    """A gateway with the organization acme."""
    async with office_with() as office:
        await office.create("organizations", name="acme", permissions=["*"])
        yield office
