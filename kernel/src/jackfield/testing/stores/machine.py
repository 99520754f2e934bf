"""Random histories of a store, compared with the model step by step."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from jackfield.store import Account, Claim, Debit, Entry, OnDeath

from .accounts import LONG
from .model import Model
from .promise import same
from .site import Site

ON_DEATH: Final[dict[Account, OnDeath]] = {
    Account("s", "budget"): "journal",
    Account("", "budget"): "journal",
    Account("s", "rate"): "charge",
    Account("s", "places"): "drop",
}
BUCKETS: Final = (0, 60, 120, 180)

owners = st.sampled_from(["o", "p"])
accounts = st.sampled_from(list(ON_DEATH))
buckets = st.sampled_from(BUCKETS)
amounts = st.integers(0, 40)
claims = st.builds(
    lambda account, limit, need, want, bucket, since: Claim(
        account, limit, need, want, bucket, since, ON_DEATH[account]
    ),
    accounts,
    st.integers(0, 120),
    amounts,
    amounts,
    buckets,
    buckets,
)
entries = st.builds(
    lambda debits: Entry("s", 0.0, debits=tuple(debits)),
    st.lists(st.builds(Debit, accounts, buckets, st.integers(-10, 30)), max_size=3),
)


def compare_with_model(new_site: Callable[[], Site], *, histories: int, steps: int = 50) -> None:
    """Compare stores, each empty at first, with the model in this many random histories."""
    machine: Any = partial(StoreMachine, new_site)
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=histories, stateful_step_count=steps, deadline=None),
    )


class StoreMachine(RuleBasedStateMachine):
    """Two owners on four accounts; after every step all balances are compared."""

    def __init__(self, new_site: Callable[[], Site]) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        self._store = self._runner.run(self._open.enter_async_context(new_site().open()))
        self._model = Model()

    def teardown(self) -> None:
        """Close the store."""
        self._runner.run(self._open.aclose())
        self._runner.close()

    @rule(owner=owners, wanted=st.lists(claims, min_size=1, max_size=3))
    def acquire(self, owner: str, wanted: list[Claim]) -> None:
        """Amounts on several accounts."""
        due = self._model.acquire(owner, wanted)
        answer = self._runner.run(self._store.acquire(owner, wanted, lease=LONG))
        same((answer.granted, answer.refused), due)
        balances = tuple(self._model.balance(one.account, one.since) for one in wanted)
        same(answer.balances, balances)

    @rule(owner=owners, given=st.dictionaries(accounts, amounts, max_size=3))
    def give_back(self, owner: str, given: dict[Account, int]) -> None:
        """More or less than is held."""
        self._model.give_back(owner, given)
        self._runner.run(self._store.give_back(owner, given))

    @rule(
        owner=owners,
        offset=st.integers(-2, 1),
        posted=st.lists(entries, max_size=4),
        gap=st.booleans(),
    )
    def post(self, owner: str, offset: int, posted: list[Entry], gap: bool) -> None:
        """New, repeated, partly repeated, and with a gap."""
        first = max(1, self._model.owner(owner).posted + 1 + offset)
        due = self._model.post(owner, first, posted, gap=gap)
        same(self._runner.run(self._store.post(owner, first, posted, gap=gap)), due)

    @rule(owner=owners, expires=st.booleans())
    def renew(self, owner: str, expires: bool) -> None:
        """Stay alive, or die."""
        due = self._model.owner(owner)
        lease = self._runner.run(self._store.renew(owner, lease=0 if expires else LONG))
        same((lease.posted, lease.alive), (due.posted, due.alive))
        if expires:
            self._model.expire(owner)

    @rule(owner=owners, data=st.data())
    def restate(self, owner: str, data: st.DataObject) -> None:
        """More, less or nothing of what is held, or was when the lease expired."""
        known = self._model.owner(owner).can_state()
        held = data.draw(
            st.dictionaries(st.sampled_from(known), st.integers(1, 40)) if known else st.just({})
        )
        self._model.restate(owner, held)
        self._runner.run(self._store.restate(owner, held, lease=LONG))

    @rule(owner=owners)
    def close(self, owner: str) -> None:
        """End an owner, which may go on nevertheless."""
        self._model.close(owner)
        self._runner.run(self._store.close_owner(owner))

    @invariant()
    def agrees(self) -> None:
        """All balances are those of the model."""
        queries = [(account, since) for account in ON_DEATH for since in BUCKETS]
        found = self._runner.run(self._store.balances(queries))
        due = [self._model.balance(account, since) for account, since in queries]
        same(dict(zip(queries, found, strict=True)), dict(zip(queries, due, strict=True)))
