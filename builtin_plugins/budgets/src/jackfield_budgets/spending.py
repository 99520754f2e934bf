"""One attempt at a provider: what is reserved for it, and its actual cost."""

import logging
from functools import lru_cache

from attrs import define, field

from jackfield.allowances import Reservation
from jackfield.charges import Call, Unreported
from jackfield.exchange import Exchange
from jackfield.ledger import Ledger, Promise
from jackfield.messages import Usage
from jackfield.prices import PriceBook
from jackfield.store import Debit, Entry

from .budget_set import Amounts, BudgetSet, amounts_of

logger = logging.getLogger("jackfield.budgets")


@define(eq=False)
class Spending:
    """The reservation and the promise of one attempt, settled or voided exactly once."""

    budgets: BudgetSet
    call: Call
    tenant: str
    _reservation: Reservation
    _ledger: Ledger
    _prices: PriceBook
    _buckets: tuple[int, ...] = field(default=(), init=False)
    _promise: Promise = field(init=False)
    is_open: bool = field(default=True, init=False)

    def promise(self, exchange: Exchange) -> None:
        """Promise in the journal what is reserved."""
        budgets, debits, now = self.budgets, self._reservation.debits(), self.call.at
        if budgets.soft:
            most = self._most()
            self._buckets = tuple([s.limit.window.span(now).bucket for s in budgets.soft])
            debits += self._soft_debits(most)
        self._promise = self._ledger.pledge(exchange, Entry(self.tenant, now, b"", debits))

    @property
    def may_be_billed(self) -> bool:
        """Whether the call of the provider may have begun."""
        return self._promise.is_written

    def void(self) -> None:
        """Release everything: nothing was spent."""
        if self.is_open:
            self.is_open = False
            self._reservation.release()
            self._promise.void()

    def settle(self, unreported: Unreported, implied: Usage | None = None) -> int:
        """Charge the actual usage; returns by how much it exceeds the reservation of any budget.

        `implied` is the usage that follows from the request, for answers that do not report any.
        """
        if not self.is_open:
            return 0
        self.is_open = False
        now = self._ledger.now()
        used = self._used(unreported, implied)
        hard = self.budgets.of_hard(used)
        reservation = self._reservation
        over = reservation.over(hard)
        if over:
            logger.warning("%s used more than was reserved, by %d", self.call.target, over)
        debits = reservation.settle(hard)
        if self.budgets.soft:
            debits += self._soft_debits(used)
        self._promise.keep(Entry(self.tenant, now, b"", debits))
        return over

    def _used(self, unreported: Unreported, implied: Usage | None) -> Amounts:
        charge = self.call.charge(self._prices, unreported, implied)
        if charge.cost.missing:
            _warn_of_price(str(self.call.target))
        return amounts_of(charge.cost.nano, charge.input_tokens, charge.output_tokens)

    def _soft_debits(self, amounts: Amounts) -> tuple[Debit, ...]:
        return tuple(
            Debit(member.limit.account, bucket, amounts[member.at])
            for member, bucket in zip(self.budgets.soft, self._buckets, strict=True)
            if amounts[member.at]
        )

    def _most(self) -> Amounts:
        bound = self.call.bound
        return amounts_of(bound.nano or 0, bound.input_tokens, bound.output_tokens)


@lru_cache(maxsize=1024)
def _warn_of_price(target: str) -> None:
    """Once per target."""
    logger.warning("price_missing: %s has no price for some of its usage", target)
