"""The promises about postings: each is kept exactly once, whole and in order, with its records."""

import asyncio

from jackfield.store import Debit, Entry, Record, Store, Tally

from .accounts import LONG, A, B, acquire, claim, spent, state
from .promise import on_a_store, same
from .values import HOSTILE

HOUR = 3600


def noted(time: float, data: bytes, scope: str = "s") -> Entry:
    """An entry with a record."""
    return Entry(scope, time, record=data)


async def found(
    store: Store, since: float = 0.0, until: float = 1e12, scope: str = "s"
) -> list[bytes]:
    """The data of records."""
    return [record.data for record in await store.records(scope, since, until)]


@on_a_store
async def posts_each_entry_once(store: Store) -> None:
    """Identified by its number, even if only part of a call is new."""
    entries = [
        Entry("s", 1.0, b"%d" % i, (Debit(A, 0, i),), (Tally("t", 0, "n", 1),)) for i in range(5)
    ]
    same(await store.post("o", 1, entries[:2]), 2)
    same(await store.post("o", 1, entries[:2]), 2)
    same(await store.post("o", 1, entries[:4]), 4)
    same(await store.post("o", 3, entries[2:]), 5)
    same(await store.post("o", 2, entries[1:3]), 5)
    same(await store.post("o", 6, []), 5)
    same(await state(store), (10, 0))
    same(await found(store), [b"0", b"1", b"2", b"3", b"4"])
    same(await store.tallies("s", "", 0, 1), [Tally("t", 0, "n", 5)])


@on_a_store
async def refuses_a_gap_unless_it_is_allowed(store: Store) -> None:
    """The number says after which posting to continue."""
    same(await store.post("o", 2, [spent((A, 1))]), 0)
    same(await store.post("o", 1, [spent((A, 1))]), 1)
    same(await store.post("o", 3, [spent((A, 1)), spent((A, 1))]), 1)
    same(await state(store), (1, 0))
    same(await store.post("o", 7, [spent((A, 1)), spent((A, 1))], gap=True), 8)
    same(await store.post("o", 2, [spent((A, 1))], gap=True), 8)
    same(await state(store), (3, 0))
    same((await store.renew("o", lease=LONG)).posted, 8)


@on_a_store
async def numbers_each_owner_for_itself(store: Store) -> None:
    """Other owners' postings do not matter."""
    for owner in ("o", "o:p", "", "p"):
        same(await store.post(owner, 1, [spent((A, 1))]), 1)
    same(await state(store), (4, 0))


@on_a_store
async def posts_a_call_twice_at_once_only_once(store: Store) -> None:
    """As happens when two processes recover one journal."""
    entries = [spent((A, 1)) for _ in range(50)]
    answers = await asyncio.gather(*(store.post("o", 1, entries) for _ in range(5)))
    same((answers, await state(store)), ([50] * 5, (50, 0)))


@on_a_store
async def takes_spending_from_what_is_held(store: Store) -> None:
    """Only from the owner's own, and any excess is spent nevertheless."""
    await acquire(store, claim(A, 10), claim(B, 10))
    await acquire(store, claim(A, 10), owner="p")
    await store.post("o", 1, [spent((A, 3), (B, 2)), spent((A, 4))])
    same((await state(store), await state(store, B)), ((7, 13), (2, 8)))
    await store.post("o", 3, [spent((A, 13))])
    same(await state(store), (20, 10))
    await store.post("q", 1, [spent((A, 1))])
    same(await state(store), (21, 10))


@on_a_store
async def refunds_what_was_not_spent(store: Store) -> None:
    """In its bucket; what is held does not change."""
    await acquire(store, claim(A, 10))
    await store.post("o", 1, [Entry("s", 0.0, debits=(Debit(A, 60, 8), Debit(A, 120, 1)))])
    await store.post("o", 2, [Entry("s", 0.0, debits=(Debit(A, 60, -5),))])
    same((await state(store), await state(store, A, 61)), ((4, 1), (1, 1)))


@on_a_store
async def gives_records_in_order(store: Store) -> None:
    """By time, then as they were posted; for times in [since, until) and one scope."""
    times = [5.0, 1.0, 1e9 + 0.000001, 1e9, 5.0, 2.5]
    await store.post("o", 1, [noted(time, b"%d" % i) for i, time in enumerate(times)])
    await store.post("p", 1, [noted(5.0, b"6"), noted(5.0, b"other", "t"), Entry("s", 5.0)])
    same(await found(store), [b"1", b"5", b"0", b"4", b"6", b"3", b"2"])
    same(await found(store, 2.5, 5.0), [b"5"])
    same(await found(store, 5.0, 5.000001), [b"0", b"4", b"6"])
    same(await found(store, scope="t"), [b"other"])
    same([record.time for record in await store.records("s", 6, 1e12)], [1e9, 1e9 + 0.000001])


@on_a_store
async def gives_records_page_by_page(store: Store) -> None:
    """Nothing is repeated or left out, and places are ordered like the records."""
    await store.post("o", 1, [noted(float(i % 7), b"%d" % i) for i in range(100)])
    whole = await store.records("s", 1.0, 6.0)
    paged: list[Record] = []
    while page := await store.records(
        "s", 1.0, 6.0, after=paged[-1].place if paged else "", limit=9
    ):
        paged += page
    same(paged, whole)
    same(len(whole), len([i for i in range(100) if 1 <= i % 7 < 6]))
    places = [record.place for record in whole]
    same(places, sorted(set(places)))


@on_a_store
async def forgets_old_records(store: Store) -> None:
    """Of all scopes, and returns how many; tallies stay."""
    tally = (Tally("t", 0, "n", 1),)
    entries = [Entry(scope, float(i), b"%d" % i, tallies=tally) for i in range(6) for scope in "st"]
    await store.post("o", 1, entries)
    same(await store.forget_records(4.0), 8)
    same(await store.forget_records(4.0), 0)
    same((await found(store), await found(store, scope="t")), ([b"4", b"5"], [b"4", b"5"]))
    same(await store.tallies("s", "", 0, 1), [Tally("t", 0, "n", 6)])


@on_a_store
async def adds_up_tallies(store: Store) -> None:
    """Per scope, series, hour and field."""
    added = [("a", 0, "x", 1), ("a", 0, "x", 2**60), ("a", 0, "y", -3), ("ab", HOUR, "x", 4)]
    await store.post("o", 1, [Entry("s", 0.0, tallies=(Tally(*one),)) for one in added])
    await store.post(
        "o", 5, [Entry("t", 0.0, tallies=(Tally("a", 0, "x", 7), Tally("b:x", 0, "", 1)))]
    )
    sums = [Tally("a", 0, "x", 2**60 + 1), Tally("a", 0, "y", -3), Tally("ab", HOUR, "x", 4)]
    same(sorted(await store.tallies("s", "", 0, 2 * HOUR)), sums)
    same(sorted(await store.tallies("s", "a", 0, HOUR)), sums[:2])
    same(await store.tallies("s", "ab", HOUR, HOUR + 1), sums[2:])
    same(await store.tallies("t", "b:", 0, 1), [Tally("b:x", 0, "", 1)])
    same(await store.tallies("t", "c", 0, 1), [])


@on_a_store
async def lists_the_scopes_with_records_or_tallies(store: Store) -> None:
    """In order, whatever their names."""
    await store.put("value", "k", b"")
    await acquire(store, claim(A, 1))
    same(await store.scopes(), [])
    names = [*HOSTILE, "a" * 2000]
    for number, name in enumerate(names, 1):
        kept = (b"r", ()) if number % 2 else (b"", (Tally("t", 0, "n", 1),))
        await store.post("o", number, [Entry(name, 0.0, kept[0], (), kept[1])])
    same(await store.scopes(), sorted(names))


POSTINGS = (
    posts_each_entry_once,
    refuses_a_gap_unless_it_is_allowed,
    numbers_each_owner_for_itself,
    posts_a_call_twice_at_once_only_once,
    takes_spending_from_what_is_held,
    refunds_what_was_not_spent,
    gives_records_in_order,
    gives_records_page_by_page,
    forgets_old_records,
    adds_up_tallies,
    lists_the_scopes_with_records_or_tallies,
)
