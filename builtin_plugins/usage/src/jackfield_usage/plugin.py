"""The plugin: writes a record for every exchange with a provider."""

import asyncio
import logging
from functools import partial
from typing import ClassVar, Final

from attrs import define, field, frozen
from attrs.validators import ge
from msgspec.structs import replace

from jackfield import (
    CallNext,
    Exchange,
    GatewayError,
    Outcome,
    Plugin,
    Response,
    Setup,
    Target,
    hookimpl,
)
from jackfield.admin import MANAGE, admin_endpoint
from jackfield.bounds import is_billable
from jackfield.charges import (
    Call,
    Charge,
    Unreported,
    billing_of,
    implied_usage,
    is_unbilled,
)
from jackfield.config import option
from jackfield.estimates import settled_usage
from jackfield.ledger import Ledger, Promise
from jackfield.messages import Usage
from jackfield.money import show
from jackfield.prices import Cost, PriceBook
from jackfield.store import Entry, Store, StoreUnavailable

from .batches import Batches
from .cells import scope_of, tallies_of
from .endpoints import Reports
from .record import Record, with_charge

logger = logging.getLogger("jackfield.usage")

NOTHING: Final = Charge(Usage(), Cost(0), 0, 0, "reported")
WANT: Final = "x-jackfield-want"
HEADER: Final = "x-jackfield-cost"
_DAY: Final = 86_400.0
_SWEEP_SECONDS: Final = 3600.0


@define(eq=False)
class Attempt:
    """One call of a provider, and the promise of its record."""

    call: Call
    promise: Promise
    is_open: bool = True


@define(eq=False)
class Note:
    """The attempts of an exchange, and its outcome once it is over.

    `settled` counts its records.
    """

    requested_model: str
    attempts: list[Attempt] = field(factory=list)
    outcome: Outcome | None = None
    settled: int = 0


class UsageRecords(Plugin):
    """Promises a record before a provider is called, and replaces it with the actual usage."""

    @frozen
    class Config:
        """`[plugins.usage]`."""

        keep_days: int = option(
            400,
            "Days for which records are kept, and whose each batch is; what they add up to stays.",
            validator=ge(1),
        )
        tags: tuple[str, ...] = option(
            (),
            "Members of the metadata that reports can be made by at once. Reports by others are"
            " read from the records. Each value makes a series of its own: name none that is ever"
            " new.",
        )
        headers: bool = option(
            False, "Tells the cost of every whole answer, not only where `x-jackfield-want` asks."
        )

    mutates: ClassVar[frozenset[str]] = frozenset({"response"})
    """The results of batches are read in passing, and not changed."""

    needs_store: ClassVar[bool] = True
    wants_usage: ClassVar[bool] = True

    config: Config
    ledger: Ledger
    prices: PriceBook
    store: Store
    _unreported: Unreported
    _batches: Batches

    async def start(self, setup: Setup) -> None:
        """Add the reports, and start deleting old records."""
        self.ledger, self.prices, self.store = setup.ledger, setup.prices, setup.store
        self._unreported = setup.settings.upstream.unreported
        self.prices.of("", "", 0)  # reads the shipped prices before the first request needs them
        tags, keep = self.config.tags, self.config.keep_days * _DAY
        self._batches = Batches(self.store, self.ledger, self.prices, tags, setup.correctors, keep)
        reports = Reports(self.store, self.ledger, tags, keep, setup.correctors)
        for path, answer, query in reports.answers():
            read = partial(admin_endpoint, "GET", path, answer, query=query)
            setup.add_admin_endpoint(read(permission=MANAGE))
            setup.add_endpoint(read(permission="usage"))
        setup.add_admin_endpoint(
            admin_endpoint("POST", "/jackfield/usage/corrections", reports.correct)
        )
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop deleting old records, and finish those of batches."""
        self._sweeping.cancel()
        await asyncio.wait([self._sweeping])
        await self._batches.stop()

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Keep the name of the requested model, before other plugins change it."""
        exchange.state[self] = Note(exchange.model or "")

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Promise a record with the maximum that can be billed, in case this process dies."""
        if exchange.dry_run:
            return await call_next(target)
        if not is_billable(exchange):
            return await self._batches.watched(exchange, target, await call_next(target))
        note: Note = exchange.note(self, lambda: Note(exchange.model or ""))
        attempt = self._promise(exchange, note, target)
        before = exchange.tap
        try:
            response = await call_next(target)
        except GatewayError as error:
            self._ended(attempt, exchange, before, free=is_unbilled(error))
            raise
        except asyncio.CancelledError:
            if not attempt.promise.is_written:  # the call has not begun
                self._void(attempt)
            raise
        else:  # without a tap, another plugin has answered
            self._ended(attempt, exchange, before, free=True)
            return response
        finally:  # if cancelled, e.g. by hedging, the tap is that of another attempt
            if note.outcome is not None and attempt.is_open:
                self._settle(exchange, note, attempt, note.outcome)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Post the actual usage of each attempt that may be billed."""
        note: Note | None = exchange.state.get(self)
        if note is None or not note.attempts:
            return
        note.outcome = outcome
        costs = [
            self._settle(exchange, note, attempt, outcome)
            for attempt in note.attempts
            if attempt.is_open
        ]
        if not costs:  # all attempts are void: nothing is billed
            call = note.attempts[-1].call
            record = with_charge(self._record(exchange, note, call, note.settled), NOTHING)
            note.settled += 1
            self.ledger.post(self._entry(exchange, _ended(record, exchange, outcome)))
        shows_cost = self.config.headers or "cost" in exchange.request.headers.get(WANT, "")
        if shows_cost and not exchange.sent:
            missing = any(cost.missing for cost in costs)
            dollars = "unknown" if missing else show(sum(cost.nano for cost in costs))
            exchange.set_response_header(HEADER, dollars)

    def _ended(self, attempt: Attempt, exchange: Exchange, before: object, *, free: bool) -> None:
        """Keep the source of the usage; an attempt that is certainly not billed has no record."""
        if exchange.tap is not before:
            attempt.call.tap = exchange.tap
        elif free:
            self._void(attempt)

    def _promise(self, exchange: Exchange, note: Note, target: Target) -> Attempt:
        now = self.ledger.now()
        bound = self.prices.bound(exchange, target, at=now)
        call = Call(target, bound, len(exchange.request.body), now)
        others = sum([attempt.is_open for attempt in note.attempts])
        record = with_charge(self._record(exchange, note, call, others), call.presumed())
        attempt = Attempt(call, self.ledger.pledge(exchange, self._entry(exchange, record)))
        note.attempts.append(attempt)
        return attempt

    def _settle(self, exchange: Exchange, note: Note, attempt: Attempt, outcome: Outcome) -> Cost:
        call = attempt.call
        if billing_of(exchange) == "priced":
            implied = implied_usage(exchange, outcome)
            charge = call.charge(self.prices, self._unreported, implied)
        else:
            charge = self._unpriced(exchange, call, outcome)
        record = with_charge(self._record(exchange, note, call, note.settled), charge)
        entry = self._entry(exchange, _ended(record, exchange, outcome))
        attempt.is_open = False
        attempt.promise.keep(entry)
        note.settled += 1
        return charge.cost

    def _unpriced(self, exchange: Exchange, call: Call, outcome: Outcome) -> Charge:
        """The charge without a bound: what the provider reports, if anything."""
        usage, basis = settled_usage(exchange, outcome)
        cost = self.prices.cost(call.target, usage, at=call.at) if usage != Usage() else Cost(0)
        return Charge(usage, cost, usage.input_tokens, usage.output_tokens, basis)

    def _record(self, exchange: Exchange, note: Note, call: Call, before: int) -> Record:
        """The record of an attempt; `before` counts other records of this exchange."""
        principal = exchange.principal
        return Record(
            f"{exchange.id}/{before + 1}" if before else exchange.id,
            call.at,
            principal.scopes,
            principal.key_id or "",
            call.target.provider,
            call.target.model,
            note.requested_model,
            exchange.operation,
            exchange.dialect.name,
            exchange.metadata,
            stream=exchange.stream,
            request=exchange.id if before else "",
        )

    def _entry(self, exchange: Exchange, record: Record) -> Entry:
        return Entry(
            scope_of(exchange.principal.tenant),
            record.time,
            record.encoded(),
            tallies=tallies_of(record, self.config.tags),
        )

    def _void(self, attempt: Attempt) -> None:
        if attempt.is_open:
            attempt.is_open = False
            attempt.promise.void()

    async def _sweep(self) -> None:
        while True:
            try:
                await self.store.forget_records(self.ledger.now() - self.config.keep_days * _DAY)
            except StoreUnavailable:
                logger.warning("the store is unavailable: old records are kept for another hour")
            await asyncio.sleep(_SWEEP_SECONDS)


def _ended(record: Record, exchange: Exchange, outcome: Outcome) -> Record:
    seconds = sum([attempt.seconds for attempt in exchange.attempts])
    return replace(
        record,
        status=outcome.status,
        outcome=outcome.kind,
        seconds=0.0 if record.request else round(seconds, 4),
    )
