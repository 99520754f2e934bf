"""The promises about accounts: what is granted on them, and what is given back."""

import asyncio
from random import Random

from jackfield.store import Account, Acquired, Balance, Claim, Debit, Entry, Store

from .promise import holds, on_a_store, refused, same

LONG = 3600.0
"""The lease of an owner who lives."""
A, B = Account("s", "a"), Account("s", "b")
LARGEST = 2**63 - 1


def claim(account: Account = A, need: int = 1, want: int = 0, *, limit: int = 100) -> Claim:
    """A claim on an account whose spending all counts."""
    return Claim(account, limit, need, max(need, want), 0, 0)


def spent(*debits: tuple[Account, int]) -> Entry:
    """An entry that debits accounts in bucket 0."""
    return Entry("s", 0.0, debits=tuple(Debit(account, 0, amount) for account, amount in debits))


async def state(store: Store, account: Account = A, since: int = 0) -> tuple[int, int]:
    """What was spent of an account, and what is held."""
    (balance,) = await store.balances([(account, since)])
    return balance.spent, balance.held


async def acquire(store: Store, *claims: Claim, owner: str = "o") -> Acquired:
    """Acquire for an owner that is alive."""
    return await store.acquire(owner, claims, lease=LONG)


@on_a_store
async def gives_what_is_wanted_while_there_is_room(store: Store) -> None:
    """Then what is left, if that is enough; then nothing."""
    first = await acquire(store, claim(need=10, want=60))
    same((first.granted, first.balances, first.refused), ((60,), (Balance(0, 60),), None))
    second = await acquire(store, claim(need=10, want=60), owner="p")
    same((second.granted, second.balances), ((40,), (Balance(0, 100),)))
    third = await acquire(store, claim(need=1))
    same((third.granted, third.balances, third.refused), ((), (Balance(0, 100),), 0))
    same((await acquire(store, claim(need=0, want=5))).granted, (0,))
    same(await state(store), (0, 100))


@on_a_store
async def gives_on_all_accounts_or_on_none(store: Store) -> None:
    """The index of the first claim without room is reported, and all balances."""
    await acquire(store, claim(B, 95))
    c = Account("", "c")
    answer = await acquire(store, claim(A, 10), claim(c, 1), claim(B, 10), claim(A, 1000))
    same((answer.granted, answer.refused), ((), 2))
    same(answer.balances, (Balance(0, 0), Balance(0, 0), Balance(0, 95), Balance(0, 0)))
    same([await state(store, account) for account in (A, B, c)], [(0, 0), (0, 95), (0, 0)])


@on_a_store
async def counts_an_account_twice_that_is_claimed_twice(store: Store) -> None:
    """Together the claims of a call stay within the limit."""
    same((await acquire(store, claim(A, 60), claim(A, 60))).refused, 1)
    same((await acquire(store, claim(A, 60), claim(A, 30))).granted, (60, 30))
    same(await state(store), (0, 90))


@on_a_store
async def knows_a_limit_only_from_the_claim(store: Store) -> None:
    """A limit lowered below what is held refuses, a raised one grants."""
    await acquire(store, claim(need=50))
    same((await acquire(store, claim(need=1, limit=20))).refused, 0)
    same((await acquire(store, claim(need=0, want=1, limit=20))).granted, (0,))
    same((await acquire(store, claim(need=100, limit=150))).granted, (100,))


@on_a_store
async def takes_back_what_is_not_needed(store: Store) -> None:
    """Only the owner's own, and never more than is held for it."""
    await acquire(store, claim(need=50), claim(B, 10))
    await acquire(store, claim(need=20), owner="p")
    await store.give_back("o", {A: 30, B: 3})
    same([await state(store, account) for account in (A, B)], [(0, 40), (0, 7)])
    await store.give_back("o", {A: 30, Account("s", "unknown"): 5})
    same(await state(store), (0, 20))
    await store.give_back("nobody", {A: 30})
    same(await state(store), (0, 20))


@on_a_store
async def counts_what_was_spent_in_the_requested_buckets(store: Store) -> None:
    """A bucket before `since` no longer counts, for claims and for balances."""
    for number, bucket in enumerate((100, 160, 220), 1):
        await store.post("o", number, [Entry("s", 0.0, debits=(Debit(A, bucket, 10),))])
    same(
        [(await state(store, A, since))[0] for since in (0, 100, 101, 220, 221)],
        [30, 30, 20, 10, 0],
    )
    answer = await store.acquire("o", [Claim(A, 25, 15, 15, 220, 161)], lease=LONG)
    same((answer.granted, answer.balances), ((15,), (Balance(10, 15),)))
    answer = await store.acquire("o", [Claim(A, 25, 1, 1, 220, 160)], lease=LONG)
    same((answer.refused, answer.balances), (0, (Balance(20, 15),)))


@on_a_store
async def remembers_what_counts_however_long_ago_it_was_spent(store: Store) -> None:
    """A year of a calendar, the longest window that rolls, and all time: nobody uses them since."""
    now = int(await store.time())
    year = now - 366 * 86_400
    windows = {"calendar": (year, year), "rolling": (now, year), "ever": (0, 0)}
    for number, (name, (bucket, since)) in enumerate(windows.items(), 1):
        account = Account("s", name)
        await acquire(store, Claim(account, 10, 5, 5, bucket, since))
        debits = (Debit(account, since, 5), Debit(Account("s", f"unclaimed {name}"), since, 5))
        same(await store.post("o", number, [Entry("s", 0.0, debits=debits)]), number)
    await store.close_owner("o")
    await store.renew("p", lease=LONG)
    for name, (_, since) in windows.items():
        for account in (Account("s", name), Account("s", f"unclaimed {name}")):
            same(await state(store, account, since), (5, 0))


@on_a_store
async def counts_amounts_exactly(store: Store) -> None:
    """Beyond the precision of a double; what no store could keep is refused."""
    big = 2**53 + 1
    answer = await acquire(store, claim(need=big, limit=LARGEST))
    same((answer.granted, answer.balances), ((big,), (Balance(0, big),)))
    await store.post("o", 1, [spent((A, big - 2))])
    same(await state(store), (big - 2, 2))
    same((await acquire(store, claim(need=1, limit=big + 1))).granted, (1,))
    same((await acquire(store, claim(need=LARGEST - big, limit=LARGEST))).refused, 0)
    await refused(ValueError, acquire(store, claim(need=1, limit=LARGEST + 1)))
    same(await state(store), (big - 2, 3))


@on_a_store
async def keeps_accounts_apart(store: Store) -> None:
    """Whatever their names."""
    names = ["", ":", "a", "a:b", "b:a", "{a}", "}{", "ä", "🙂", "a" * 2000, "*"]
    accounts = [Account(scope, name) for scope in names for name in names]
    for amount, account in enumerate(accounts, 1):
        same((await acquire(store, claim(account, amount, limit=amount))).granted, (amount,))
    found = await store.balances([(account, 0) for account in accounts])
    same([balance.held for balance in found], list(range(1, len(accounts) + 1)))
    await refused(ValueError, acquire(store, claim(Account("s", "a\0b"))))


@on_a_store
async def never_gives_more_than_the_limit(store: Store) -> None:
    """Tested with many concurrent callers, on several accounts in any order."""
    random = Random(7)  # noqa: S311 - no secret
    accounts = [Account("s", f"a{place}") for place in range(4)]
    answers = await asyncio.gather(
        *(
            acquire(
                store,
                *(
                    claim(one, random.randint(1, 9), 20, limit=500)
                    for one in random.sample(accounts, 3)
                ),
                owner=f"o{task % 5}",
            )
            for task in range(200)
        )
    )
    given = sum(sum(answer.granted) for answer in answers)
    balances = await store.balances([(account, 0) for account in accounts])
    same(sum(balance.held for balance in balances), given)
    holds(all(balance.held <= 500 for balance in balances), f"over the limit of 500: {balances}")
    holds(any(answer.refused is not None for answer in answers), "nobody was refused")
    holds(any(balance.held > 490 for balance in balances), f"room was left: {balances}")


ACCOUNTS = (
    gives_what_is_wanted_while_there_is_room,
    gives_on_all_accounts_or_on_none,
    counts_an_account_twice_that_is_claimed_twice,
    knows_a_limit_only_from_the_claim,
    takes_back_what_is_not_needed,
    counts_what_was_spent_in_the_requested_buckets,
    remembers_what_counts_however_long_ago_it_was_spent,
    counts_amounts_exactly,
    keeps_accounts_apart,
    never_gives_more_than_the_limit,
)
