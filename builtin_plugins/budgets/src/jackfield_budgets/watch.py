"""Warns when budgets reach thresholds: in the log, through a webhook and in a header."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from attrs import define, field

from jackfield.ledger import Ledger
from jackfield.store import Account, Conflict, Store, StoreUnavailable
from jackfield.windows import Rolling

from .budget_set import BudgetAccount, BudgetSet

_EVERY: Final = 1.0
_AT_ONCE: Final = 500
_MOST_KEPT: Final = 10_000
_KEPT_SECONDS: Final = 400 * 86_400.0

logger = logging.getLogger("jackfield.budgets")


class Notice(NamedTuple):
    """A budget has reached a threshold in the window that began at `since`."""

    member: BudgetAccount
    threshold: float
    spent: int
    since: int

    def text(self) -> str:
        """The notice as one line."""
        budget = self.member.budget
        return (
            f"the budget {self.member.label!r} has reached {self.threshold:.0%}:"
            f" {budget.show(self.spent)} of {budget.show(self.member.limit.amount)} are spent"
        )

    def tree(self) -> dict[str, Any]:
        """The notice as JSON."""
        budget, limit = self.member.budget, self.member.limit
        return {
            "event": "budget_threshold",
            "budget": budget.name,
            "scope": budget.scope,
            "value": self.member.value,
            "organization": budget.organization,
            "threshold": self.threshold,
            "unit": budget.unit,
            "spent": self.spent,
            "limit": limit.amount,
            "window": str(limit.window),
            "window_began": self.since,
            "text": self.text(),
        }


@define(eq=False)
class Watch:
    """Checks the accounts that were charged once per second, and reports each threshold once.

    `notices` has the warnings for callers, by accounts that have reached a threshold.
    """

    _store: Store
    _ledger: Ledger
    _warn: Callable[[Notice], None]
    _spent_from: set[BudgetSet] = field(factory=set, init=False)
    _touched: dict[Account, BudgetAccount] = field(factory=dict, init=False)
    notices: dict[Account, str] = field(factory=dict, init=False)
    _warned: dict[tuple[Account, int, str], None] = field(factory=dict, init=False)
    _task: asyncio.Task[None] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start checking."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop checking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def touch(self, budgets: BudgetSet) -> None:
        """Check the budgets of a request soon, because they were charged."""
        self._spent_from.add(budgets)

    async def look(self) -> None:
        """Check now. Raises StoreUnavailable."""
        if self._spent_from:
            await self._ledger.flush()  # Until then the store does not have the latest charges.
        while self._spent_from:
            self._touched.update(self._spent_from.pop().watched)
        while self._touched:
            some = list(self._touched.values())[:_AT_ONCE]
            now = self._ledger.now()
            queries = [(s.limit.account, s.limit.window.span(now).since) for s in some]
            balances = await self._store.balances(queries)
            if len(self.notices) > _MOST_KEPT:
                self.notices.clear()
            for member, balance in zip(some, balances, strict=True):
                self._note(member, balance.spent)
                await self._check(member, balance.spent, now)
                if self._touched.get(member.limit.account) is member:
                    del self._touched[member.limit.account]

    def _note(self, member: BudgetAccount, spent: int) -> None:
        limit = member.limit
        if spent < min(member.budget.warn_at) * limit.amount:
            self.notices.pop(limit.account, None)
            return
        used = spent / limit.amount if limit.amount else 1.0
        self.notices[limit.account] = f"{member.label} is at {used:.0%}"

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_EVERY)
            try:
                await self.look()
            except StoreUnavailable:
                continue

    async def _check(self, member: BudgetAccount, spent: int, now: float) -> None:
        window = member.limit.window
        since = window.span(now).bucket
        if isinstance(window, Rolling):
            since = int(now) // window.seconds * window.seconds
        amount = member.limit.amount
        for threshold in member.budget.warn_at:
            key = (member.limit.account, since, f"{threshold:g}/{amount}")
            if spent >= threshold * amount and key not in self._warned:
                if len(self._warned) > _MOST_KEPT:
                    self._warned.clear()
                if await self._is_first(*key):
                    self._warn(Notice(member, threshold, spent, since))
                self._warned[key] = None

    async def _is_first(self, account: Account, since: int, threshold: str) -> bool:
        """Whether no other process has reported it."""
        key = f"budgets/told/{account.name}/{since}/{threshold}"
        try:
            await self._store.put(account.scope, key, b"1", ttl=_KEPT_SECONDS, expect=0)
        except Conflict:
            return False
        return True
