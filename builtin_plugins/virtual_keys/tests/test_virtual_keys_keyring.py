"""What a process remembers of keys, for how long, and what it does when the store is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jackfield import Plugin, Setup
from jackfield.store import StoreUnavailable, Value
from jackfield.testing import GatewayClient, run_gateway
from jackfield.testing.gateway import client_of, observed_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield_virtual_keys import keyring
from jackfield_virtual_keys.holders import Place
from jackfield_virtual_keys.key_text import new_key_text, written
from jackfield_virtual_keys.keyring import MOST_LOOKUPS, MOST_REFUSALS, Keyring

TOML = """
[plugins.unsteady]
[plugins.virtual_keys]
cache_seconds = {cache}
stale_seconds = {stale}
[plugins.virtual_keys.organizations.acme]
permissions = ["*"]
"""


class UnsteadyStore(MemoryStore):
    """A store that counts its reads, and that may go away or hang."""

    reads: int = 0
    away: bool = False
    hangs: asyncio.Event | None = None
    hanging: asyncio.Semaphore

    async def get(self, scope: str, key: str) -> Value | None:
        self.reads += 1
        if self.hangs is not None:
            self.hanging.release()
            await self.hangs.wait()
        if self.away:
            raise StoreUnavailable("The store does not answer.")
        return await super().get(scope, key)


class Unsteady(Plugin):
    """Brings the one store of all gateways of a test."""

    brings_store = True
    store: Any = None

    async def start(self, setup: Setup) -> None:
        setup.add_store(type(self).store)


class Worker:
    """One gateway of several that share a store."""

    def __init__(self, gateway: Any, admin: GatewayClient) -> None:
        self.client, self.admin = client_of(gateway), admin
        self.keyring: Keyring = self.client.plugin("virtual_keys")._keyring

    async def key(self, **fields: Any) -> str:
        answer = await self.admin.post("/jackfield/keys", json={"organization": "acme", **fields})
        return str((await answer.json())["key"])

    async def do(self, path: str, **fields: Any) -> dict[str, Any]:
        answer = await self.admin.post(f"/jackfield/{path}", json=fields)
        body: dict[str, Any] = await answer.json()
        assert answer.status == 200, body
        return body

    async def status(self, key: str) -> int:
        answer = await self.client.chat(headers={"authorization": f"Bearer {key}"})
        return answer.status


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> UnsteadyStore:
    shared = UnsteadyStore()
    shared.hanging = asyncio.Semaphore(0)
    monkeypatch.setattr(Unsteady, "store", shared)
    return shared


@pytest.fixture
def timing(request: pytest.FixtureRequest) -> tuple[float, float]:
    """`cache_seconds` and `stale_seconds`."""
    return getattr(request, "param", (3600.0, 7200.0))


@pytest.fixture
async def workers(
    store: UnsteadyStore, tmp_path: Path, timing: tuple[float, float], administered: Any
) -> AsyncIterator[list[Worker]]:
    """Two of them."""
    toml = TOML.format(cache=timing[0], stale=timing[1])
    one, two = (observed_gateway(toml, {"unsteady": Unsteady}, directory=tmp_path) for _ in "12")
    async with one, two:
        yield [Worker(gateway, administered(gateway)) for gateway in (one, two)]


async def becomes(worker: Worker, key: str, status: int, within: float = 1.0) -> float:
    """How long it takes until a key is answered so."""
    began = time.monotonic()
    async with asyncio.timeout(within):
        while await worker.status(key) != status:
            pass
    return time.monotonic() - began


async def test_a_key_is_looked_up_once_and_remembered(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    assert await workers[0].status(key) == 200
    before = store.reads
    for _ in range(20):
        assert await workers[0].status(key) == 200
    assert store.reads == before


@pytest.mark.parametrize("timing", [(0.0, 60.0)], indirect=True)
async def test_without_a_cache_every_request_reads(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    for _ in range(3):
        before = store.reads
        assert await workers[0].status(key) == 200
        assert store.reads > before


@pytest.mark.parametrize("path", ["keys/{}/revoke", "organizations/acme/revoke"])
async def test_a_revocation_reaches_all_workers_within_a_second(
    workers: list[Worker], path: str
) -> None:
    one, two = workers
    key, other = await one.key(), await one.key()
    assert [await worker.status(key) for worker in workers] == [200, 200]
    assert await two.status(other) == 200
    await one.do(path.format(key[3:15]))
    assert await one.status(key) == 401
    await becomes(two, key, 401)
    assert await two.status(other) == (200 if path.startswith("keys") else 401)


async def test_a_rotated_key_is_good_for_its_grace(
    workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = workers
    old = await one.key()
    assert await two.status(old) == 200
    new = (await one.do(f"keys/{old[3:15]}/rotate", grace="1h"))["key"]
    assert new[3:15] == old[3:15]
    assert [await one.status(key) for key in (old, new)] == [200, 200]
    assert [await two.status(key) for key in (old, new)] == [200, 200]
    later = datetime.now(UTC) + timedelta(hours=1, seconds=5)
    monkeypatch.setattr(type(one.keyring._keys.setup.ledger), "now", lambda _: later.timestamp())
    assert [await one.status(key) for key in (old, new)] == [401, 200]


async def test_a_grace_of_seconds_is_not_cut_short(workers: list[Worker]) -> None:
    old, ledger = await workers[0].key(), workers[0].keyring._keys.setup.ledger
    for _ in range(5):
        began = ledger.now()
        rotated = await workers[0].do(f"keys/{old[3:15]}/rotate", grace="1s")
        assert datetime.fromisoformat(rotated["previous_until"]).timestamp() >= began + 1


async def test_a_rotation_without_grace_ends_the_old_secret_at_once(workers: list[Worker]) -> None:
    one, two = workers
    old = await one.key()
    assert [await worker.status(old) for worker in workers] == [200, 200]
    new = (await one.do(f"keys/{old[3:15]}/rotate", grace="0"))["key"]
    assert [await one.status(key) for key in (old, new)] == [401, 200]
    await becomes(two, old, 401)


async def test_a_revoked_key_is_revoked_for_good(workers: list[Worker]) -> None:
    key = await workers[0].key()
    await workers[0].do(f"keys/{key[3:15]}/revoke")
    answer = await workers[0].admin.post(f"/jackfield/keys/{key[3:15]}/rotate", json={})
    assert answer.status == 400
    answer = await workers[0].admin.post(f"/jackfield/keys/{key[3:15]}/restore", json={})
    assert answer.status == 404


@pytest.mark.parametrize("timing", [(0.0, 3600.0)], indirect=True)
async def test_while_the_store_is_away_known_keys_go_on_and_others_wait(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    one, two = workers
    key = await one.key()
    assert await one.status(key) == 200
    store.away = True
    began = time.monotonic()
    assert [await one.status(key) for _ in range(50)] == [200] * 50
    assert [await two.status(key) for _ in range(50)] == [503] * 50
    assert time.monotonic() - began < 5
    store.away = False
    await becomes(two, key, 200, within=5)


@pytest.mark.parametrize("timing", [(0.0, 0.0)], indirect=True)
async def test_without_grace_no_key_is_good_while_the_store_is_away(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    assert await workers[0].status(key) == 200
    store.away = True
    assert await workers[0].status(key) == 503


@pytest.mark.parametrize("timing", [(0.0, 3600.0)], indirect=True)
async def test_a_store_that_hangs_holds_nobody_up(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    one, two = workers
    key = await one.key()
    assert await one.status(key) == 200
    store.hangs = asyncio.Event()
    assert (await one.status(key), await two.status(key)) == (200, 503)
    store.hangs.set()
    await becomes(two, key, 200)


@pytest.mark.parametrize("timing", [(0.0, 3600.0)], indirect=True)
async def test_what_was_known_of_a_key_is_void_once_it_has_changed(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    assert await workers[0].status(key) == 200
    store.hangs = asyncio.Event()
    pending = workers[0].client.start_chat("Hello", headers={"authorization": f"Bearer {key}"})
    await store.hanging.acquire()
    workers[0].keyring.forget(Place("key", key[3:15]))
    store.away = True
    store.hangs.set()
    assert (await pending).status == 503


async def test_what_may_have_been_missed_is_read_anew(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    assert await workers[0].status(key) == 200
    workers[0].keyring.forget(None)
    before = store.reads
    assert await workers[0].status(key) == 200
    assert store.reads > before


async def test_many_requests_with_one_key_at_once_read_once(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    workers[1].keyring.forget(None)
    before = store.reads
    answers = await asyncio.gather(*(workers[1].status(key) for _ in range(50)))
    assert set(answers) == {200}
    assert store.reads - before <= 2


async def test_a_change_during_a_lookup_is_not_overlooked(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    one, two = workers
    key = await one.key()
    store.hangs = asyncio.Event()
    pending = two.client.start_chat("Hello", headers={"authorization": f"Bearer {key}"})
    await store.hanging.acquire()
    store.hangs.set()
    store.hangs = None
    await one.do(f"keys/{key[3:15]}/revoke")
    await pending
    await becomes(two, key, 401)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have lookups waited for however long they take, as on a machine that does much else."""
    monkeypatch.setattr(keyring, "LONGEST_LOOKUP", 60.0)


@pytest.mark.usefixtures("patient")
async def test_unknown_keys_neither_fill_the_memory_nor_push_out_known_ones(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    assert await workers[0].status(key) == 200
    ring = workers[0].keyring
    for _ in range(MOST_REFUSALS // 32 + 2):
        unknown = [ring.look_up(written(new_key_text())) for _ in range(32)]
        answers = await asyncio.gather(*unknown, return_exceptions=True)
        assert {str(answer)[:20] for answer in answers} == {"The key is unknown. "}
    assert len(ring._unknown) == MOST_REFUSALS
    assert ring.recall(key) is not None
    assert not ring._lookups


async def test_an_unknown_key_that_comes_again_is_not_looked_up_again(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    unknown = written(new_key_text())
    assert await workers[0].status(unknown) == 401
    before = store.reads
    assert await workers[0].status(unknown) == 401
    assert await workers[0].status(unknown[:-1]) == 401
    assert store.reads == before


@pytest.mark.usefixtures("patient")
async def test_more_unknown_keys_than_can_be_looked_up_at_once_are_turned_away(
    workers: list[Worker], store: UnsteadyStore
) -> None:
    key = await workers[0].key()
    assert await workers[0].status(key) == 200
    store.hangs = asyncio.Event()
    unknown = [written(new_key_text()) for _ in range(MOST_LOOKUPS + 50)]
    tries = [asyncio.ensure_future(workers[0].status(one)) for one in unknown]
    for _ in range(MOST_LOOKUPS):
        await store.hanging.acquire()
    assert await workers[0].status(key) == 200
    assert store.reads < MOST_LOOKUPS + 50
    store.hangs.set()
    answers = await asyncio.gather(*tries)
    assert answers.count(503) == 50


async def test_a_gateway_starts_while_the_store_is_away_for_values(
    store: UnsteadyStore, tmp_path: Path
) -> None:
    toml = "[plugins.unsteady]\n[plugins.virtual_keys]"
    store.away = True
    async with run_gateway(toml, {"unsteady": Unsteady}, directory=tmp_path) as client:
        answer = await client.chat(headers={"x-api-key": written(new_key_text())})
        assert answer.status == 503
        assert answer.headers["retry-after"] == "1"


async def test_no_raw_key_is_kept(workers: list[Worker]) -> None:
    key = await workers[0].key()
    assert await workers[0].status(key) == 200
    ring = workers[0].keyring
    assert key[16:59] not in f"{ring._known} {ring._unknown} {ring._holders} {ring}"
