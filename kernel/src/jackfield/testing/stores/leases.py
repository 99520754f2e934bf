"""The promises about leases: what a dead owner held, and owners that come back."""

from jackfield.store import Account, Claim, Debit, Entry, OnDeath, Store

from .accounts import LONG, A, B, acquire, claim, spent, state
from .promise import eventually, holds, on_a_store, same

C = Account("s", "c")
ON_DEATH: dict[Account, OnDeath] = {A: "journal", B: "charge", C: "drop"}


async def expire(store: Store, owner: str = "o") -> None:
    """Let the owner's lease expire."""
    await store.renew(owner, lease=0)


async def hold_each(store: Store, amount: int = 10, bucket: int = 100) -> None:
    """Hold an amount on an account of each kind."""
    claims = [Claim(one, 1000, amount, amount, bucket, 0, how) for one, how in ON_DEATH.items()]
    same((await store.acquire("o", claims, lease=LONG)).granted, (amount,) * 3)


async def states(store: Store, since: int = 0) -> list[tuple[int, int]]:
    """What was spent and what is held of an account of each kind."""
    return [await state(store, account, since) for account in ON_DEATH]


@on_a_store
async def counts_what_a_dead_owner_held_as_spent(store: Store) -> None:
    """In the bucket of the claim; what was only occupied is free."""
    await hold_each(store)
    await expire(store)
    same(await states(store), [(10, 0), (10, 0), (0, 0)])
    same(await states(store, 100), [(10, 0), (10, 0), (0, 0)])
    same(await states(store, 101), [(0, 0), (0, 0), (0, 0)])


@on_a_store
async def ends_leases_before_it_counts(store: Store) -> None:
    """Also those that nobody else has looked at, in every call that counts."""
    await store.acquire("o", [Claim(C, 10, 10, 10, 0, 0, "drop")], lease=0)
    same((await acquire(store, claim(C, 10, limit=10), owner="p")).granted, (10,))
    await store.acquire("q", [claim(A, 10)], lease=0)
    same(await state(store), (10, 0))


@on_a_store
async def ends_a_lease_at_its_time(store: Store) -> None:
    """Not earlier, and without being asked to."""
    await store.acquire("o", [claim(A, 10)], lease=LONG)
    await store.acquire("p", [claim(B, 10)], lease=0.1)
    await store.acquire("q", [Claim(C, 10, 10, 10, 0, 0, "drop")], lease=0.1)
    await eventually(lambda: states(store), [(0, 10), (10, 0), (0, 0)])


@on_a_store
async def keeps_a_lease_that_is_renewed(store: Store) -> None:
    """By `renew`, by `acquire` and by `restate`."""
    for owner in "opq":
        await store.acquire(owner, [claim(Account("s", owner), 10)], lease=1)
    await store.renew("o", lease=LONG)
    await acquire(store, claim(B), owner="p")
    await store.restate("q", {Account("s", "q"): 10}, lease=LONG)
    await store.acquire("short", [claim(A, 10)], lease=1)
    await eventually(lambda: state(store), (10, 0))
    same([await state(store, Account("s", owner)) for owner in "opq"], [(0, 10)] * 3)


@on_a_store
async def reports_an_owners_state(store: Store) -> None:
    """An unknown owner, or one whose lease has expired, must restate first."""
    before = await store.time()
    lease = await store.renew("o", lease=LONG)
    same((lease.posted, lease.alive), (0, False))
    holds(0 <= lease.now - before < 60, f"{lease.now} is not the store's time, {before}")
    await store.restate("o", {}, lease=LONG)
    same((await store.renew("o", lease=LONG)).alive, True)
    await store.post("o", 1, [spent((A, 1)), spent((A, 1))])
    lease = await store.renew("o", lease=0)
    same((lease.posted, lease.alive), (2, True))
    await acquire(store, claim())
    lease = await store.renew("o", lease=LONG)
    same((lease.posted, lease.alive), (2, False))
    await store.restate("o", {A: 1}, lease=LONG)
    same((await store.renew("o", lease=LONG)).alive, True)


@on_a_store
async def takes_late_postings_from_what_counts_as_spent(store: Store) -> None:
    """Nothing that a dead owner has spent is counted twice."""
    await hold_each(store)
    await expire(store)
    same(await state(store), (10, 0))
    await store.post("o", 1, [spent((A, 4)), spent((A, 3))])
    same((await state(store), await state(store, A, 100)), ((10, 0), (3, 0)))
    await store.post("o", 3, [spent((A, 5))])
    same(await state(store), (12, 0))
    await store.close_owner("o")
    same(await state(store), (12, 0))


@on_a_store
async def takes_late_postings_from_the_oldest_bucket_first(store: Store) -> None:
    """For an owner that has died more than once."""
    for bucket in (100, 200):
        await store.acquire("o", [Claim(A, 100, 10, 10, bucket, 0)], lease=0)
    same([await state(store, A, since) for since in (0, 101)], [(20, 0), (10, 0)])
    await store.post("o", 1, [Entry("s", 0.0, debits=(Debit(A, 300, 12),))])
    same([await state(store, A, since) for since in (0, 101, 201)], [(20, 0), (20, 0), (12, 0)])


@on_a_store
async def frees_at_the_end_what_was_not_spent(store: Store) -> None:
    """For accounts of "journal"; what "charge" has counted stays."""
    await hold_each(store)
    await expire(store)
    await store.post("o", 1, [spent((A, 4))])
    await store.close_owner("o")
    same(await states(store), [(4, 0), (10, 0), (0, 0)])
    await store.close_owner("o")
    await store.close_owner("nobody")
    same(await states(store), [(4, 0), (10, 0), (0, 0)])


@on_a_store
async def closes_an_owner_before_its_lease_has_run_out(store: Store) -> None:
    """As if it had expired."""
    await hold_each(store)
    await store.post("o", 1, [spent((A, 4))])
    await store.close_owner("o")
    same(await states(store), [(4, 0), (10, 0), (0, 0)])


@on_a_store
async def knows_a_closed_owner_by_its_postings(store: Store) -> None:
    """Posting a closed journal again changes nothing."""
    await store.post("o", 1, [spent((A, 4))])
    await store.close_owner("o")
    same(await store.post("o", 1, [spent((A, 4))]), 1)
    same(await state(store), (4, 0))
    same((await store.renew("o", lease=LONG)).posted, 1)


@on_a_store
async def replaces_what_is_held_by_what_is_stated(store: Store) -> None:
    """For an owner that is alive: more, less, elsewhere, nothing."""
    await acquire(store, claim(A, 10), claim(B, 10))
    await acquire(store, claim(A, 7), owner="p")
    await store.restate("o", {A: 15, C: 3}, lease=LONG)
    same(await states(store), [(0, 22), (0, 0), (0, 3)])
    await store.restate("o", {}, lease=LONG)
    same(await states(store), [(0, 7), (0, 0), (0, 0)])


@on_a_store
async def replaces_what_counts_as_spent_by_what_is_stated(store: Store) -> None:
    """For an owner whose lease has expired although it is alive."""
    await hold_each(store)
    await expire(store)
    await store.post("o", 1, [spent((A, 4))])
    await store.restate("o", {A: 6}, lease=LONG)
    same(await state(store), (4, 6))
    await store.post("o", 2, [spent((A, 6))])
    same(await state(store), (10, 0))
    await store.close_owner("o")
    same(await state(store), (10, 0))


@on_a_store
async def remembers_what_becomes_of_what_is_stated(store: Store) -> None:
    """An owner that comes back and dies again has not changed the kind of its accounts."""
    await hold_each(store)
    await expire(store)
    await store.restate("o", dict.fromkeys(ON_DEATH, 5), lease=LONG)
    same(await states(store, 100), [(0, 5), (10, 5), (0, 5)])
    await expire(store)
    same(await states(store, 100), [(5, 0), (15, 0), (0, 0)])
    await store.close_owner("o")
    same(await states(store, 100), [(0, 0), (15, 0), (0, 0)])


@on_a_store
async def counts_what_an_unknown_owner_states_from_now_on(store: Store) -> None:
    """After a store has lost all: what is stated counts as spent at death, in a bucket of now."""
    now = int(await store.time())
    await store.restate("o", {A: 5}, lease=LONG)
    same(await state(store), (0, 5))
    await expire(store)
    same((await state(store, A, now), await state(store, A, now + 60)), ((5, 0), (0, 0)))
    await store.close_owner("o")
    same(await state(store), (0, 0))


@on_a_store
async def lets_a_dead_owner_go_on(store: Store) -> None:
    """What it acquires is held in addition to what counts as spent; postings take that first."""
    await acquire(store, claim(A, 10))
    await expire(store)
    same((await acquire(store, claim(A, 5))).balances[0].held, 5)
    same(await state(store), (10, 5))
    await store.post("o", 1, [spent((A, 12))])
    same(await state(store), (12, 3))
    await store.close_owner("o")
    same(await state(store), (12, 0))


LEASES = (
    counts_what_a_dead_owner_held_as_spent,
    ends_leases_before_it_counts,
    ends_a_lease_at_its_time,
    keeps_a_lease_that_is_renewed,
    reports_an_owners_state,
    takes_late_postings_from_what_counts_as_spent,
    takes_late_postings_from_the_oldest_bucket_first,
    frees_at_the_end_what_was_not_spent,
    closes_an_owner_before_its_lease_has_run_out,
    knows_a_closed_owner_by_its_postings,
    replaces_what_is_held_by_what_is_stated,
    replaces_what_counts_as_spent_by_what_is_stated,
    remembers_what_becomes_of_what_is_stated,
    counts_what_an_unknown_owner_states_from_now_on,
    lets_a_dead_owner_go_on,
)
