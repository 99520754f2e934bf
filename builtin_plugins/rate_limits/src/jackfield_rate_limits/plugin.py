"""The plugin: counts requests and tokens, and refuses what a rate limit has no room for."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, Literal, Protocol

from attrs import define, field, frozen
from msgspec.structs import replace

from jackfield.allowances import Allowances, LimitReached, Reservation
from jackfield.config import option
from jackfield.errors import GatewayError, ProviderError
from jackfield.exchange import Exchange
from jackfield.ledger import Ledger
from jackfield.messages import Usage
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, hookimpl
from jackfield.prices import PriceBook
from jackfield.response import Outcome, Response
from jackfield.setup import Setup
from jackfield.store import StoreUnavailable

from . import refusals
from .opening import Openings
from .rate import Measure, Rate, Rates, Share, Terms
from .told import Standing, headers

_THEIRS: Final = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit")
_GATEWAYS_OWN: Final = "jackfield"


class Meter(Protocol):
    """`exchange.tap`."""

    def usage(self) -> Usage | None:
        """What was used."""

    def is_complete(self) -> bool:
        """Whether that is all of it."""


@define(eq=False)
class Occupied:
    """What one request holds: places, and tokens that are settled by what was really used."""

    terms: Terms
    reservation: Reservation
    tap: Meter | None = None


@define(eq=False)
class Held:
    """All that one exchange holds; once it is closed, what comes later is settled at once."""

    occupied: list[Occupied] = field(factory=list)
    closed: bool = False


class RateLimits(Plugin):
    """Refuses requests beyond a rate, and says when to come again."""

    @frozen(kw_only=True)
    class Config:
        """`[plugins.rate_limits]`."""

        limits: Mapping[str, Rate] = option(doc="Rate limits, by their names.")
        when_unavailable: Literal["refuse", "allow"] = option(
            "refuse",
            "What happens to requests while the store is away and what is held of a limit here is"
            " used up.",
        )

    needs_store: ClassVar[bool] = True
    mutates: ClassVar[frozenset[str]] = frozenset({"response"})

    config: Config
    _ledger: Ledger
    _prices: PriceBook
    _allowances: Allowances
    _openings: Openings

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._rates = Rates(config.limits.items())

    async def start(self, setup: Setup) -> None:
        """Begin to count."""
        self._ledger = setup.ledger
        self._prices = setup.prices
        self._allowances = Allowances(setup.ledger)
        self._openings = Openings(setup.store, setup.ledger)

    async def stop(self) -> None:
        """Give back what is not reserved."""
        if hasattr(self, "_allowances"):
            await self._allowances.stop()

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Count the request, and take its place among those at once."""
        if exchange.dialect.name == _GATEWAYS_OWN:
            exchange.leave(self)
            return
        exchange.usage_wanted = True
        terms = self._rates.terms(exchange, None)
        if terms.shares and not exchange.dry_run:
            await self._take(exchange, terms, [1] * len(terms.shares))
            if not self._rates.has_target_terms:
                self._tell(exchange, terms.shares)

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Say in a dry run what would be counted."""
        if not exchange.dry_run:
            return None
        for target in (None, *plan.targets):
            shares = self._rates.terms(exchange, target).shares
            if shares:
                what = ", ".join(f"{share.label} ({share.measure})" for share in shares)
                plan = plan.note(f"count {target or 'the request'}", f"it falls under {what}")
        return plan

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Reserve the most tokens that the attempt can use."""
        if not self._rates.has_target_terms:
            return _without_theirs(await call_next(target))
        terms = self._rates.terms(exchange, target)
        if not terms.shares:
            return _without_theirs(await call_next(target))
        occupied = await self._take(exchange, terms, self._needs(exchange, target, terms))
        self._tell(exchange, self._rates.terms(exchange, None).shares + terms.shares)
        if occupied is None:
            return _without_theirs(await call_next(target))
        return _without_theirs(await self._attempt(exchange, target, call_next, occupied))

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Leave the places, and count the tokens that were used."""
        held: Held | None = exchange.state.get(self)
        if held is None:
            return
        held.closed = True
        for occupied in held.occupied:
            self._settle(occupied)

    async def _attempt(
        self, exchange: Exchange, target: Target, call_next: CallNext, occupied: Occupied
    ) -> Response:
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
            return response
        finally:
            held: Held = exchange.state[self]
            if held.closed:
                self._settle(occupied)

    async def _take(
        self, exchange: Exchange, terms: Terms, needs: Sequence[int]
    ) -> Occupied | None:
        """Reserve all, and spend what counts requests."""
        reservation = self._allowances.try_reserve(terms.limits, needs)
        if reservation is None:
            reservation = await self._reserve(exchange, terms, needs)
            if reservation is None:
                return None
        count = len(terms.requests)
        if count:
            first, reservation = reservation.split(count)
            for debit in first.settle([1] * count):
                self._ledger.debit(debit)
        if not terms.held:
            return None
        occupied = Occupied(terms, reservation)
        held: Held = exchange.note(self, Held)
        held.occupied.append(occupied)
        return occupied

    async def _reserve(
        self, exchange: Exchange, terms: Terms, needs: Sequence[int]
    ) -> Reservation | None:
        try:
            return await self._allowances.reserve(terms.limits, needs)
        except LimitReached as reached:
            share = next(share for share in terms.shares if share.limit == reached.limit)
            wait = await self._openings.wait(share, reached.need)
            self._tell(exchange, terms.shares, share, self._ledger.now() + wait)
            raise refusals.reached(share, reached.need, wait) from None
        except StoreUnavailable:
            if self.config.when_unavailable == "allow":
                return None
            raise refusals.unavailable(terms.shares[0]) from None

    def _needs(self, exchange: Exchange, target: Target, terms: Terms) -> list[int]:
        if not terms.counts_tokens:
            return [1] * len(terms.shares)
        bound = self._prices.bound(exchange, target, at=self._ledger.now())
        return _counts(terms.shares, bound.input_tokens, bound.output_tokens, 1)

    def _settle(self, occupied: Occupied) -> None:
        reservation, terms = occupied.reservation, occupied.terms
        if not reservation.is_open:
            return
        tap = occupied.tap
        usage = tap.usage() if tap is not None else None
        if not terms.counts_tokens:
            reservation.release()
            return
        if usage is not None and tap is not None and tap.is_complete():
            used = _counts(terms.held, usage.input_tokens, usage.output_tokens, 0)
        else:
            used = [
                0 if share.measure == "concurrent" else amount
                for share, amount in zip(terms.held, reservation.amounts, strict=True)
            ]
        for debit in reservation.settle(used):
            self._ledger.debit(debit)

    def _tell(
        self,
        exchange: Exchange,
        shares: Sequence[Share],
        reached: Share | None = None,
        opens: float = 0.0,
    ) -> None:
        """The tightest limit of each measure, in headers; the one that was reached before all."""
        now = self._ledger.now()
        standings: dict[Measure, Standing] = {}
        for share in shares:
            left = self._allowances.remaining(share.limit)
            if left is None or share.measure == "concurrent":
                continue
            known = standings.get(share.measure)
            if share is reached:
                standings[share.measure] = Standing(share, min(left, share.limit.amount), opens)
            elif known is None or (left < known.left and known.share is not reached):
                resets_at = share.limit.window.span(now).resets_at
                standings[share.measure] = Standing(share, left, resets_at)
        if standings:
            for name, text in headers(exchange.dialect.name, standings, now).items():
                exchange.set_response_header(name, text)


def _counts(
    shares: Sequence[Share], input_tokens: int, output_tokens: int, place: int
) -> list[int]:
    amounts: dict[Measure, int] = {
        "requests": 1,
        "concurrent": place,
        "tokens": input_tokens + output_tokens,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
    }
    return [amounts[share.measure] for share in shares]


def _unused(error: GatewayError) -> bool:
    """Whether an attempt has used no tokens: the provider has refused it, or was not asked."""
    return not isinstance(error, ProviderError) or error.upstream_status is not None


def _without_theirs(response: Response) -> Response:
    """The provider's limits are the gateway's business; the caller is told of its own."""
    if response.headers and any(name.startswith(_THEIRS) for name in response.headers):
        kept = {n: text for n, text in response.headers.items() if not n.startswith(_THEIRS)}
        return replace(response, headers=kept)
    return response
