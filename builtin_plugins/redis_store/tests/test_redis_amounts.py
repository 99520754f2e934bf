"""Amounts beyond what a number of Lua can hold: sums, differences and comparisons are exact."""

import redis
from builtin_plugins.redis_store.tests.redis_servers import Process
from hypothesis import given
from hypothesis import strategies as st

from jackfield.store import Account, Balance, Claim, Debit, Entry
from jackfield_redis_store import opened
from jackfield_redis_store.scripts import Script

A = Account("s", "a")
BIG = 2**60

amounts = st.integers(-(2**64), 2**64) | st.integers(-(10**16), 10**16)


def _calculate(server: Process, expression: str, *given: int) -> str:
    names = ", ".join("abc"[: len(given)])
    values = ", ".join(f"amount(ARGV[{place}])" for place in range(1, len(given) + 1))
    script = Script.of("amounts").text.decode() + f"local {names} = {values} return {expression}"
    with redis.Redis(port=server.port) as client:
        return str(client.eval(script, 0, *map(str, given)).decode())


@given(a=amounts, b=amounts)
def test_sums_and_differences_are_exact(server: Process, a: int, b: int) -> None:
    both = "show(sum(a, b)) .. ' ' .. show(difference(a, b))"
    assert _calculate(server, both, a, b) == f"{a + b} {a - b}"


@given(a=amounts, b=amounts)
def test_the_least_and_the_most_are_found(server: Process, a: int, b: int) -> None:
    both = "show(least(a, b)) .. ' ' .. show(most(a, b))"
    assert _calculate(server, both, a, b) == f"{min(a, b)} {max(a, b)}"


async def test_a_large_limit_is_kept_to_the_last_unit(server: Process) -> None:
    server.execute("FLUSHALL")
    async with opened(server.url, deadline=1.0) as store:

        async def given(need: int) -> tuple[int, ...]:
            claims = [Claim(A, 3 * BIG + 2, need, need, 0, 0)]
            return (await store.acquire("o", claims, lease=60)).granted

        await store.post("o", 1, [Entry("s", 0.0, debits=(Debit(A, 0, BIG + 1),))])
        assert await given(BIG) == (BIG,)
        assert await given(BIG + 2) == ()
        assert await given(BIG + 1) == (BIG + 1,)
        assert await given(1) == ()
        assert await store.balances([(A, 0)]) == [Balance(BIG + 1, 2 * BIG + 1)]


async def test_many_buckets_add_up_exactly(server: Process) -> None:
    server.execute("FLUSHALL")
    async with opened(server.url, deadline=1.0) as store:
        spent = [BIG + bucket * 10**14 + bucket for bucket in range(60)]
        debits = tuple(Debit(A, bucket, amount) for bucket, amount in enumerate(spent))
        await store.post("o", 1, [Entry("s", 0.0, debits=debits)])
        (balance,) = await store.balances([(A, 30)])
        assert balance.spent == sum(spent[30:])


async def test_what_is_spent_may_exceed_64_bits(server: Process) -> None:
    server.execute("FLUSHALL")
    async with opened(server.url, deadline=1.0) as store:
        for number in range(1, 12):
            await store.post("o", number, [Entry("s", 0.0, debits=(Debit(A, 0, BIG),))])
        await store.post("o", 12, [Entry("s", 0.0, debits=(Debit(A, 0, -1),))])
        assert await store.balances([(A, 0)]) == [Balance(11 * BIG - 1, 0)]
