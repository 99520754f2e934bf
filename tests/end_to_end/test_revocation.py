"""A key that is revoked is refused by every process at the same store, while all are busy."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import define, field, frozen
from builtin_plugins.redis_store.tests.redis_servers import Process, free_port, running

pytestmark = pytest.mark.timeout(120)
CONFIG = """
[server]
bind = "127.0.0.1:{port}"
admin = "unix:{folder}/{name}.sock"
state_dir = "{folder}/{name}"
log_level = "warning"

[plugins.virtual_keys]
pepper = "file:{folder}/pepper"

[plugins.rate_limits.limits.all]
requests = 1_000_000
window = "1m"
"""
CALLERS = 8
RESTED = 0.01


@frozen
class Frontend:
    """One process: where it listens, and where its administrators ask."""

    port: int
    socket: Path


@contextmanager
def serving(folder: Path, name: str, store: str) -> Iterator[Frontend]:
    """A process that serves inside the block."""
    frontend = Frontend(free_port(), folder / f"{name}.sock")
    config = folder / f"{name}.toml"
    config.write_text(CONFIG.format(folder=folder, name=name, port=frontend.port) + store)
    line = [sys.executable, "-m", "jackfield", "serve", "--config", str(config)]
    with (folder / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(line, stdout=log, stderr=log, env=os.environ)
    try:
        while not frontend.socket.exists():
            assert process.poll() is None, (folder / f"{name}.log").read_text()
            time.sleep(0.02)
        yield frontend
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


@define(eq=False)
class Office:
    """Two processes at one store, and who asks them."""

    faces: tuple[Frontend, ...]
    admin: aiohttp.ClientSession
    callers: aiohttp.ClientSession
    last: float = field(default=0.0, init=False)

    async def change(self, path: str, **fields: Any) -> Any:
        """Change something at the first process; again, as long as the store is too busy for it."""
        while True:
            async with self.admin.post(f"http://admin/jackfield/{path}", json=fields) as answer:
                body = await answer.json()
            if answer.status != 503:
                assert answer.status in (200, 201), body
                return body

    async def status_of(self, frontend: Frontend, key: str) -> int:
        """The status that a call with a key gets."""
        url = f"http://127.0.0.1:{frontend.port}/v1/models"
        async with self.callers.get(url, headers={"x-api-key": key}) as answer:
            await answer.read()
        return answer.status

    async def call_until_refused(self, frontend: Frontend, key: str) -> None:
        """Call on; `last` is when the last call began that was not refused."""
        while True:
            began = time.monotonic()
            if await self.status_of(frontend, key) == 401:
                return
            self.last = max(self.last, began)
            await asyncio.sleep(RESTED)

    async def revoke(self) -> float:
        """Revoke a key that all use; for how many seconds more it was good somewhere."""
        made = await self.change("keys", name="a key", organization="acme")
        for frontend in self.faces:
            assert await self.status_of(frontend, made["key"]) == 200
        callers = [
            asyncio.create_task(self.call_until_refused(frontend, made["key"]))
            for frontend in self.faces
            for _ in range(CALLERS)
        ]
        await self.change(f"keys/{made['id']}/revoke")
        revoked = time.monotonic()
        await asyncio.gather(*callers)
        return self.last - revoked

    async def keep_busy(self, frontend: Frontend, key: str) -> None:
        """Call and call with another key."""
        while True:
            assert await self.status_of(frontend, key) == 200


@asynccontextmanager
async def open_office(folder: Path, kind: str) -> AsyncIterator[Office]:
    pepper = folder / "pepper"
    pepper.touch(mode=0o600)
    pepper.write_text(secrets.token_hex(32))
    async with AsyncExitStack() as stack:
        store = f'[plugins.sqlite_store]\npath = "{folder}/store.db"\n'
        if kind == "redis":
            server = stack.enter_context(running(Process("redis-server", folder / "redis")))
            # A busy machine is no failure of the store.
            store = f'[plugins.redis_store]\nurl = "{server.url}"\nanswer_ms = 5000\n'
        faces = tuple([stack.enter_context(serving(folder, name, store)) for name in "ab"])
        socket = aiohttp.UnixConnector(str(faces[0].socket))
        admin = await stack.enter_async_context(aiohttp.ClientSession(connector=socket))
        callers = await stack.enter_async_context(aiohttp.ClientSession())
        office = Office(faces, admin, callers)
        await office.change("organizations", name="acme", permissions=["*"])
        yield office


async def longest(folder: Path, kind: str, times: int) -> float:
    """Revoke so many keys while others are used; the longest time that one stayed good."""
    async with open_office(folder, kind) as office:
        busy = await office.change("keys", name="busy", organization="acme")
        others = [
            asyncio.create_task(office.keep_busy(frontend, busy["key"]))
            for frontend in office.faces
            for _ in range(CALLERS)
        ]
        taken = [await office.revoke() for _ in range(times)]
        for other in others:
            other.cancel()
        ends = await asyncio.gather(*others, return_exceptions=True)
        assert {type(end) for end in ends} == {asyncio.CancelledError}
    print(f"{kind}: a revoked key was good for {max(taken):.3f} s more at the most")  # noqa: T201
    return max(taken)


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_a_revoked_key_is_refused_everywhere(tmp_path: Path, kind: str) -> None:
    await longest(tmp_path, kind, times=3)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "redis"])
async def test_a_revoked_key_is_refused_everywhere_within_a_second(
    tmp_path: Path, kind: str
) -> None:
    assert await longest(tmp_path, kind, times=20) < 1.0
