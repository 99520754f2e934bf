"""The plugin: counts requests and tokens, and refuses requests beyond a rate limit."""

from collections.abc import Mapping
from typing import ClassVar, Final, Literal, Protocol

from attrs import define, field, frozen
from attrs.validators import ge
from msgspec.structs import replace

from jackfield.allowances import Allowances, LimitReached, Reservation
from jackfield.config import option
from jackfield.errors import GatewayError, ProviderError
from jackfield.exchange import Exchange
from jackfield.ledger import Ledger
from jackfield.messages import Usage
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, dry_runs_only, hookimpl
from jackfield.prices import PriceBook
from jackfield.response import Outcome, Response
from jackfield.setup import Setup
from jackfield.store import StoreUnavailable

from . import refusals
from .demand import ONE, Demand, expected
from .limit_headers import LimitHeaders, LimitState
from .limit_set import LimitSet, LimitTable
from .rate import LimitAccount, Rate, used
from .retry_times import RetryTimes

_PROVIDER_LIMITS: Final = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit")
_GATEWAYS_OWN: Final = "jackfield"
_TRIES: Final = 3
"""How often a smaller amount is tried while other requests take what is left."""


class Meter(Protocol):
    """The type of `exchange.tap`."""

    def usage(self) -> Usage | None:
        """The usage so far."""

    def is_complete(self) -> bool:
        """Whether the usage is final."""

    def seen(self) -> int:
        """The number of events of a stream that have arrived."""


@define(eq=False)
class Occupied:
    """What one attempt holds: concurrency slots, and tokens until the actual usage is known."""

    rates: LimitSet
    reservation: Reservation
    tap: Meter | None = None


@define(eq=False)
class Held:
    """All that one exchange holds. What ends after it is closed is settled immediately."""

    occupied: list[Occupied] = field(factory=list)
    closed: bool = False


class RateLimits(Plugin):
    """Refuses requests beyond a rate, and says when to retry."""

    @frozen(kw_only=True)
    class Config:
        """`[plugins.rate_limits]`."""

        limits: Mapping[str, Rate] = option(doc="Rate limits, by their names.")
        when_unavailable: Literal["refuse", "allow"] = option(
            "refuse",
            "What happens to requests while the store is unavailable and this process has used up"
            " what it holds of a limit.",
        )
        reserve: Literal["expected", "most"] = option(
            "expected",
            "What an attempt holds of token limits while it runs: the usage that is expected of it,"
            " or its upper bound.",
        )
        expected_output_tokens: int = option(
            1024,
            "The expected length of an answer in tokens, unless the request sets a lower limit.",
            validator=ge(1),
        )

    needs_store: ClassVar[bool] = True
    deadline_ms: ClassVar[int] = 1_500  # the store has its own deadline and error
    wants_usage: ClassVar[bool] = True
    mutates: ClassVar[frozenset[str]] = frozenset({"response"})

    config: Config
    _ledger: Ledger
    _prices: PriceBook
    _allowances: Allowances
    _retry_times: RetryTimes

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._table = LimitTable(config.limits.items())

    async def start(self, setup: Setup) -> None:
        """Prepare for counting."""
        self._ledger = setup.ledger
        self._prices = setup.prices
        self._allowances = Allowances(setup.ledger)
        self._retry_times = RetryTimes(setup.store, setup.ledger)

    async def stop(self) -> None:
        """Give back what is not reserved."""
        if hasattr(self, "_allowances"):
            await self._allowances.stop()

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Count the request, and take a concurrency slot."""
        if exchange.dialect.name == _GATEWAYS_OWN:
            exchange.leave(self)
            return
        rates = self._table.applying_to(exchange, None)
        if not rates.members or exchange.dry_run:
            return
        if rates.held or not self._spend(rates):
            self._hold(exchange, rates, await self._reserve(exchange, rates, ONE))
        if not self._table.has_target_limits:
            self._show_limits(exchange, rates)

    @hookimpl
    @dry_runs_only
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Explain what would be counted."""
        for target in (None, *plan.targets):
            members = self._table.applying_to(exchange, target).members
            if members:
                what = ", ".join(f"{member.label} ({member.measure})" for member in members)
                plan = plan.note(f"count {target or 'the request'}", f"it falls under {what}")
        return plan

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Reserve the tokens that the attempt is expected to use, or its upper bound."""
        if not self._table.has_target_limits:
            return _without_provider_limits(await call_next(target))
        rates = self._table.applying_to(exchange, target)
        occupied: Occupied | None = None
        if rates.members:
            demand = self._demand(exchange, target, rates)
            needs = rates.needs(demand.amounts())
            reservation = self._allowances.try_reserve(rates.limits, needs)
            if reservation is None:
                reservation = await self._reserve(exchange, rates, demand)
            occupied = self._hold(exchange, rates, reservation)
        self._show_limits(exchange, rates)
        if occupied is None:
            return _without_provider_limits(await call_next(target))
        before = exchange.tap
        try:
            response = await call_next(target)
        except GatewayError as error:
            if _unused(error) and exchange.tap is before:
                occupied.reservation.release()
            raise
        else:
            if exchange.tap is before:
                occupied.reservation.release()
            occupied.tap = exchange.tap
            return _without_provider_limits(response)
        finally:
            held: Held = exchange.state[self]
            if held.closed:
                self._settle(occupied)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Free the concurrency slots, and count the tokens that were used."""
        held: Held | None = exchange.state.get(self)
        if held is None:
            return
        held.closed = True
        for occupied in held.occupied:
            self._settle(occupied)

    def _spend(self, rates: LimitSet) -> bool:
        """Count the request, if that is possible without asking the store."""
        debits = self._allowances.try_spend(rates.limits, rates.ones)
        if debits is None:
            return False
        for debit in debits:
            self._ledger.debit(debit)
        return True

    def _hold(
        self, exchange: Exchange, rates: LimitSet, reservation: Reservation | None
    ) -> Occupied | None:
        """Spend what counts requests, and hold the rest until the exchange has ended."""
        if reservation is None:
            return None
        count = len(rates.requests)
        if count:
            first, reservation = reservation.split(count)
            for debit in first.settle([1] * count):
                self._ledger.debit(debit)
        if not rates.held:
            return None
        occupied = Occupied(rates, reservation)
        held: Held = exchange.note(self, Held)
        held.occupied.append(occupied)
        return occupied

    async def _reserve(
        self, exchange: Exchange, rates: LimitSet, demand: Demand
    ) -> Reservation | None:
        needs, tries = rates.needs(demand.amounts()), 0
        while True:
            try:
                return await self._allowances.reserve(rates.limits, needs)
            except LimitReached as reached:
                at, tries = rates.limits.index(reached.limit), tries + 1
            except StoreUnavailable:
                if self.config.when_unavailable == "allow":
                    return None
                raise refusals.unavailable(rates.members[0]) from None
            member = rates.members[at]
            least, left = demand.least_of(member), self._allowances.remaining(member.limit) or 0
            if tries == _TRIES or not least <= left < needs[at]:
                raise await self._refusal(exchange, rates, member, least)
            needs[at] = left

    async def _refusal(
        self, exchange: Exchange, rates: LimitSet, member: LimitAccount, need: int
    ) -> GatewayError:
        """The error for a limit without room."""
        if need > member.limit.amount and not member.about_target:
            exchange.set_response_header("x-should-retry", "false")  # it can never fit
        wait = await self._retry_times.wait(member, need)
        self._show_limits(exchange, rates, self._state_of(member, wait))
        return refusals.reached(member, need, wait)

    def _demand(self, exchange: Exchange, target: Target, rates: LimitSet) -> Demand:
        if not rates.counts_tokens:
            return ONE
        if self.config.reserve == "expected":
            return expected(exchange, self.config.expected_output_tokens)
        bound = self._prices.bound(exchange, target, at=self._ledger.now())
        return Demand(bound.input_tokens, bound.output_tokens, yields=False)

    def _settle(self, occupied: Occupied) -> None:
        reservation, rates, tap = occupied.reservation, occupied.rates, occupied.tap
        if not reservation.is_open:
            return
        if not rates.counts_tokens:
            reservation.release()
            return
        usage = tap.usage() if tap is not None else None
        if usage is not None and tap is not None and tap.is_complete():
            spent = rates.spent(used(usage.input_tokens, usage.output_tokens))
        else:  # a cut stream counts a token per event, and at least what is held
            given, made = (usage.input_tokens, usage.output_tokens) if usage else (0, 0)
            seen = used(given, max(made, tap.seen() if tap else 0))
            spent = [
                0 if member.measure == "concurrent" else max(held, seen[member.at])
                for member, held in zip(rates.held, reservation.amounts, strict=True)
            ]
        for debit in reservation.settle(spent):
            self._ledger.debit(debit)

    def _show_limits(
        self, exchange: Exchange, rates: LimitSet, reached: LimitState | None = None
    ) -> None:
        """Set the headers with the state of the caller's limits."""
        dialect = exchange.dialect.name
        headers = rates.headers.get(dialect)
        if headers is None:
            headers = rates.headers[dialect] = LimitHeaders(dialect, rates.known)
        exchange.set_response_headers(headers.write(self._allowances, self._ledger.now(), reached))

    def _state_of(self, member: LimitAccount, wait: float) -> LimitState | None:
        """The state of a limit that is reached and will have room again in some seconds."""
        left = self._allowances.remaining(member.limit)
        if left is None:
            return None
        return LimitState(member, min(left, member.limit.amount), self._ledger.now() + wait)


def _unused(error: GatewayError) -> bool:
    """Whether an attempt used no tokens: the provider refused it, or was not asked."""
    return not isinstance(error, ProviderError) or error.upstream_status is not None


def _without_provider_limits(response: Response) -> Response:
    """Remove the provider's limits, which are those of the gateway; callers see their own."""
    headers = response.headers
    for name in headers:
        if name.startswith(_PROVIDER_LIMITS):
            kept = {n: text for n, text in headers.items() if not n.startswith(_PROVIDER_LIMITS)}
            return replace(response, headers=kept)
    return response
