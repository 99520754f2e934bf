"""One attempt at a provider: what is reserved for it, and what it has cost in the end."""

import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Final, Literal, Protocol

from attrs import define, field

from jackfield.allowances import Reservation
from jackfield.bounds import Bound
from jackfield.errors import GatewayError, ProviderError, ProviderTimeout, ProviderUnavailable
from jackfield.errors import ProviderUntrusted as Untrusted
from jackfield.ledger import Ledger
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.prices import PriceBook
from jackfield.store import Debit, Entry

from .book import Amounts, Terms, amounts_of

Unreported = Literal["bound", "estimate"]

_BYTES_A_TOKEN: Final = 4
logger = logging.getLogger("jackfield.budgets")


class Meter(Protocol):
    """What a provider tells of one attempt: `exchange.tap`."""

    @property
    def usage(self) -> Callable[[], Usage | None]:
        """What was used, as far as it is known."""

    @property
    def is_complete(self) -> Callable[[], bool]:
        """Whether that is all of it."""

    @property
    def seen(self) -> Callable[[], int]:
        """How many events have come."""


@define(eq=False)
class Spending:
    """What is reserved and promised for one attempt until it is settled or void, which is once.

    `meter` tells its usage, once a provider has answered.
    """

    terms: Terms
    target: Target
    tenant: str
    bound: Bound
    size: int
    _reservation: Reservation
    _ledger: Ledger
    _prices: PriceBook
    _buckets: tuple[int, ...] = field(default=(), init=False)
    _promised: int = field(default=0, init=False)
    is_open: bool = field(default=True, init=False)
    meter: Meter | None = field(default=None, init=False)

    def promise(self) -> None:
        """Write down what is reserved. Raises JournalUnavailable, and nothing is reserved then."""
        terms, debits, now = self.terms, self._reservation.debits(), self._ledger.now()
        if terms.soft:
            most = self._most()
            self._buckets = tuple([s.limit.window.span(now).bucket for s in terms.soft])
            debits += self._soft_debits(most)
        try:
            self._promised = self._ledger.promise(Entry(self.tenant, now, b"", debits))
        except GatewayError:
            self._reservation.release()
            raise

    def void(self) -> None:
        """Nothing was spent."""
        if self.is_open:
            self.is_open = False
            self._reservation.release()
            self._ledger.cancel(self._promised)

    def settle(self, unreported: Unreported, told: Usage | None = None) -> int:
        """Spend what was used; how much more of any budget that was than had been reserved.

        `told` is what the request says itself of an answer that tells no usage.
        """
        if not self.is_open:
            return 0
        self.is_open = False
        now = self._ledger.now()
        used = self._used(unreported, told, now)
        hard = self.terms.of_hard(used)
        over = self._over(hard)
        debits = self._reservation.settle(hard)
        if self.terms.soft:
            debits += self._soft_debits(used)
        self._ledger.post(Entry(self.tenant, now, b"", debits), promised=self._promised)
        return over

    def _over(self, hard: list[int]) -> int:
        over = 0
        for at, reserved in enumerate(self._reservation.amounts):
            over = max(over, hard[at] - reserved)
        if over:
            logger.warning("%s has used more than was reserved: %d over", self.target, over)
        return over

    def _used(self, unreported: Unreported, told: Usage | None, now: float) -> Amounts:
        meter = self.meter
        usage = meter.usage() if meter is not None else None
        if usage is not None and meter is not None and meter.is_complete():
            return self._priced(usage, now)
        if usage is None and told is not None:
            return self._priced(told, now)
        if unreported == "estimate":
            events = meter.seen() if meter is not None else 0
            return self._priced(self._estimate(usage, events), now)
        if usage is not None and usage.input_tokens:
            # It is known what went in; what came out is as much as could.
            most = Usage(usage.input_tokens, self.bound.output_tokens)
            return _least(self._priced(most, now), self._most())
        return self._most()

    def _priced(self, usage: Usage, now: float) -> Amounts:
        cost = self._prices.cost(self.target, usage, at=now)
        nano = cost.nano
        if cost.missing:
            _warn_of_price(str(self.target))
            nano = max(nano, self.bound.nano or 0)
        return amounts_of(nano, usage.input_tokens, usage.output_tokens)

    def _estimate(self, usage: Usage | None, events: int) -> Usage:
        """A token for each event of the stream, and one for some bytes of the request."""
        known = usage or Usage()
        return Usage(
            known.input_tokens or min(self.bound.input_tokens, -(-self.size // _BYTES_A_TOKEN)),
            min(self.bound.output_tokens, max(known.output_tokens, events)),
        )

    def _soft_debits(self, amounts: Amounts) -> tuple[Debit, ...]:
        return tuple(
            Debit(share.limit.account, bucket, amounts[share.at])
            for share, bucket in zip(self.terms.soft, self._buckets, strict=True)
            if amounts[share.at]
        )

    def _most(self) -> Amounts:
        bound = self.bound
        return amounts_of(bound.nano or 0, bound.input_tokens, bound.output_tokens)


@lru_cache(maxsize=1024)
def _warn_of_price(target: str) -> None:
    """Once for each target."""
    logger.warning("price_missing: %s has no price for all that it used", target)


def is_unbilled(error: GatewayError) -> bool:
    """Whether a provider bills nothing for an attempt that ended so.

    It answered with an error and nothing else, or was never reached.
    """
    if isinstance(error, ProviderTimeout):
        return error.phase == "connect"
    if isinstance(error, Untrusted):
        return True
    if isinstance(error, ProviderUnavailable):
        cause = error.__cause__
        broken = ConnectionResetError | BrokenPipeError | ConnectionAbortedError
        return isinstance(cause, OSError) and not isinstance(cause, broken)
    return isinstance(error, ProviderError) and error.upstream_status is not None


def _least(one: Amounts, other: Amounts) -> Amounts:
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        min(one[2], other[2]),
        min(one[3], other[3]),
    )
