"""Pledges: what several plugins promise for one call of a provider stands and falls together."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jackfield.exchange import Exchange, Request
from jackfield.ledger import JournalUnavailable, Ledger, LedgerOptions
from jackfield.store import Account, Debit, Entry
from jackfield.testing import FakeProvider
from jackfield.testing.memory_store import MemoryStore

BUDGET = Account("acme", "budget")
FAST = LedgerOptions(post_every=0.01, recover_every=0.02, segment_bytes=256 << 10)


def charge(amount: int) -> Entry:
    return Entry("acme", 1.5, debits=(Debit(BUDGET, 0, amount),))


def record(data: bytes) -> Entry:
    return Entry("acme", 2.5, data)


@pytest.fixture
def exchange() -> Exchange:
    endpoint = FakeProvider.endpoints[0]
    request = Request("POST", endpoint.path, "", {}, b"{}", {}, "")
    return Exchange("r", endpoint, endpoint.dialect, request, "m", stream=False)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(MemoryStore(), tmp_path / "journal", FAST)
    await ledger.start()
    yield ledger
    await ledger.stop()


async def found(store: MemoryStore) -> tuple[int, list[bytes]]:
    """What is spent, and the records."""
    (balance,) = await store.balances([(BUDGET, 0)])
    assert balance.held == 0
    return balance.spent, [kept.data for kept in await store.records("acme", 0, 9)]


async def if_it_died(tmp_path: Path) -> tuple[int, list[bytes]]:
    """What would be found if the process died at this moment."""
    copy, store = tmp_path / "copy", MemoryStore()
    shutil.copytree(tmp_path / "journal", copy)
    heir = Ledger(store, copy, FAST)
    await heir.start()
    await heir._recover()
    await heir.stop()
    shutil.rmtree(copy)
    return await found(store)


async def test_a_charge_and_its_record_stand_together_at_every_moment(
    ledger: Ledger, exchange: Exchange, tmp_path: Path
) -> None:
    presumed, real = (100, [b"presumed"]), (7, [b"real"])
    of_record = ledger.pledge(exchange, record(b"presumed"))
    of_charge = ledger.pledge(exchange, charge(100))
    assert await if_it_died(tmp_path) == (0, [])
    exchange.call_begins()
    assert await if_it_died(tmp_path) == presumed
    of_charge.keep(charge(7))
    assert await if_it_died(tmp_path) == presumed
    of_record.keep(record(b"real"))
    assert await if_it_died(tmp_path) == real


async def test_one_that_is_void_leaves_the_other(ledger: Ledger, exchange: Exchange) -> None:
    void, kept = ledger.pledge(exchange, record(b"r")), ledger.pledge(exchange, charge(100))
    exchange.call_begins()
    void.void()
    kept.keep(charge(7))
    await ledger.flush()
    assert isinstance(ledger._store, MemoryStore)
    assert await found(ledger._store) == (7, [])


async def test_what_is_void_before_the_call_is_never_written(
    ledger: Ledger, exchange: Exchange, tmp_path: Path
) -> None:
    for entry in (record(b"r"), charge(100)):
        ledger.pledge(exchange, entry).void()
    exchange.call_begins()
    assert (ledger.promised, await if_it_died(tmp_path)) == (0, (0, []))


async def test_what_is_kept_without_a_call_is_posted(
    ledger: Ledger, exchange: Exchange, tmp_path: Path
) -> None:
    ledger.pledge(exchange, charge(100)).keep(charge(100))
    assert await if_it_died(tmp_path) == (100, [])


async def test_each_call_has_a_pledge_of_its_own(ledger: Ledger, exchange: Exchange) -> None:
    promises = []
    for amount in (1, 2):
        promises.append(ledger.pledge(exchange, charge(amount)))
        exchange.call_begins()
    for promise, amount in zip(promises, (1, 2), strict=True):
        promise.keep(charge(amount))
    assert (ledger.promised, ledger._journal.last) == (2, 2)


async def test_each_record_is_kept(ledger: Ledger, exchange: Exchange, tmp_path: Path) -> None:
    for data in (b"one", b"two"):
        ledger.pledge(exchange, record(data))
    exchange.call_begins()
    assert await if_it_died(tmp_path) == (0, [b"one", b"two"])


async def test_what_is_kept_of_a_pledge_counts_as_spent_meanwhile(
    ledger: Ledger, exchange: Exchange
) -> None:
    other, own = ledger.pledge(exchange, record(b"r")), ledger.pledge(exchange, charge(100))
    exchange.call_begins()
    assert ledger._spent() == {}
    own.keep(charge(7))
    assert ledger._spent() == {BUDGET: 7}
    other.keep(record(b"r"))
    assert ledger._spent() == {BUDGET: 7}
    await ledger.flush()
    assert ledger._spent() == {}


async def test_a_promise_is_settled_once(ledger: Ledger, exchange: Exchange) -> None:
    promise = ledger.pledge(exchange, charge(1))
    promise.void()
    for again in (promise.void, lambda: promise.keep(charge(1))):
        with pytest.raises(ValueError, match="already settled"):
            again()


async def test_a_call_that_cannot_be_written_down_is_refused_until_it_can(
    ledger: Ledger, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise = ledger.pledge(exchange, charge(1))
    with monkeypatch.context() as full:
        full.setattr(ledger._journal._writer, "room", 0)
        full.setattr(ledger._journal, "_grow_at", float("inf"))
        for _ in range(2):
            with pytest.raises(JournalUnavailable):
                exchange.call_begins()
    promise.void()
    exchange.call_begins()
    assert ledger.promised == 0
