"""A gateway that checks its budgets before a call and charges them after it, as others do.

Run in the place of `jackfield`: the workers, which import what their supervisor has run, are
sabotaged as well.
"""

import sys
from collections.abc import Sequence

from jackfield._slices import Slice
from jackfield.allowances import Allowances, Limit, LimitReached, Reservation
from jackfield.commands import main
from jackfield.ledger import Ledger
from jackfield.store import Debit


class Afterwards(Reservation):
    """Charges what the provider has reported, and nothing for a call that did not end well."""

    __slots__ = ()

    def debits(self) -> tuple[Debit, ...]:
        """What is charged when the worker dies."""
        return ()

    def settle(self, amounts: Sequence[int]) -> tuple[Debit, ...]:
        """Charge afterwards. All that was reserved is what is charged when nothing is known."""
        known = [n if n < most else 0 for n, most in zip(amounts, self.amounts, strict=True)]
        return super().settle(known)


def try_reserve(
    self: Allowances, limits: Sequence[Limit], amounts: Sequence[int]
) -> Reservation | None:
    """Nothing is held here."""
    return None


async def check(self: Allowances, limits: Sequence[Limit], amounts: Sequence[int]) -> Reservation:
    """Refuse when a limit has been reached, and else hold nothing."""
    ledger = self._holder
    assert isinstance(ledger, Ledger)
    spans = [limit.window.span(ledger.now()) for limit in limits]
    accounts = [(limit.account, span.since) for limit, span in zip(limits, spans, strict=True)]
    balances = await ledger._store.balances(accounts)
    for limit, amount, balance, span in zip(limits, amounts, balances, spans, strict=True):
        if balance.spent >= limit.amount:
            raise LimitReached(limit, amount, balance, span.resets_at)
    pieces = [Slice(limit, limit.account) for limit in limits]
    return Afterwards(pieces, [span.bucket for span in spans], amounts, lambda piece: None)


Allowances.try_reserve = try_reserve  # type: ignore[method-assign]
Allowances.reserve = check  # type: ignore[method-assign]

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
