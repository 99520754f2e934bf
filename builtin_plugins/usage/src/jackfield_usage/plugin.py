"""The plugin: writes a record for every exchange with a provider."""

import asyncio
import logging
from typing import ClassVar, Final

from attrs import define, frozen
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
from jackfield.admin import admin_endpoint
from jackfield.bounds import is_billable
from jackfield.config import option
from jackfield.estimates import settled_usage
from jackfield.ledger import Ledger
from jackfield.messages import Usage
from jackfield.money import show
from jackfield.prices import UNKNOWN, Cost, PriceBook
from jackfield.store import Entry, Store, StoreUnavailable

from .cells import scope_of, tallies_of
from .endpoints import Reports
from .record import Record, with_usage

logger = logging.getLogger("jackfield.usage")

WISH: Final = "x-jackfield-want"
HEADER: Final = "x-jackfield-cost"
_DAY: Final = 86_400.0
_SWEEP_SECONDS: Final = 3600.0


@define
class Note:
    """What is kept of an exchange while it lasts."""

    asked: str
    time: float = 0.0
    promised: int | None = None
    target: Target | None = None


class UsageRecords(Plugin):
    """Promises a record before a provider is called, and replaces it by what was really used."""

    @frozen
    class Config:
        """`[plugins.usage]`."""

        keep_days: int = option(
            400, "Days for which records are kept; what they add up to stays.", validator=ge(1)
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

    needs_store: ClassVar[bool] = True

    config: Config
    ledger: Ledger
    prices: PriceBook
    store: Store

    async def start(self, setup: Setup) -> None:
        """Offer the reports, and begin to delete what is too old."""
        self.ledger, self.prices, self.store = setup.ledger, setup.prices, setup.store
        self.prices.of("", "", 0)  # the book is read now, not at the first request
        reports = Reports(self.store, self.ledger, self.config.tags)
        for path, answer in reports.answers():
            setup.add_admin_endpoint(admin_endpoint("GET", path, answer))
            setup.add_endpoint(admin_endpoint("GET", path, answer, permission="usage"))
        setup.add_admin_endpoint(
            admin_endpoint("POST", "/jackfield/usage/corrections", reports.correct)
        )
        self._sweeping = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Stop deleting."""
        self._sweeping.cancel()
        await asyncio.wait([self._sweeping])

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Ask for the usage of streams too."""
        exchange.usage_wanted = True
        exchange.state[self] = Note(exchange.model or "")

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Promise a record: if this process dies, it stands, with the most that can be billed."""
        if exchange.dry_run or not is_billable(exchange):
            return await call_next(target)
        note: Note = exchange.note(self, lambda: Note(exchange.model or ""))
        note.time, note.target = self.ledger.now(), target
        self._cancel(note)
        note.promised = self.ledger.promise(self._promise(exchange, note, target))
        try:
            return await call_next(target)
        except GatewayError:
            self._cancel(note)
            raise

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Post what was really used."""
        note: Note | None = exchange.state.get(self)
        if note is None or note.target is None:
            return
        usage, basis = settled_usage(exchange, outcome)
        if note.promised is None:  # no attempt is left standing: nothing is billed
            usage, basis = Usage(), "reported"
        cost = self.prices.cost(note.target, usage, at=note.time) if usage != Usage() else Cost(0)
        record = with_usage(self._record(exchange, note, note.target), usage, cost, basis)
        entry = self._entry(exchange, _ended(record, exchange, outcome))
        self.ledger.post(entry, promised=note.promised)
        note.promised = None
        wants = self.config.headers or "cost" in exchange.request.headers.get(WISH, "")
        if wants and not exchange.sent:
            told = "unknown" if cost.missing else show(cost.nano)
            exchange.set_response_header(HEADER, told)

    def _promise(self, exchange: Exchange, note: Note, target: Target) -> Entry:
        bound = self.prices.bound(exchange, target, at=note.time)
        usage = Usage(bound.input_tokens, bound.output_tokens)
        cost = UNKNOWN if bound.nano is None else Cost(bound.nano)
        record = self._record(exchange, note, target)
        return self._entry(exchange, with_usage(record, usage, cost, "presumed"))

    def _record(self, exchange: Exchange, note: Note, target: Target) -> Record:
        principal = exchange.principal
        return Record(
            exchange.id,
            note.time,
            principal.scopes,
            principal.key_id or "",
            target.provider,
            target.model,
            note.asked,
            exchange.operation,
            exchange.dialect.name,
            exchange.metadata,
            stream=exchange.stream,
        )

    def _entry(self, exchange: Exchange, record: Record) -> Entry:
        return Entry(
            scope_of(exchange.principal.tenant),
            record.time,
            record.encoded(),
            tallies=tallies_of(record, self.config.tags),
        )

    def _cancel(self, note: Note) -> None:
        if note.promised is not None:
            self.ledger.cancel(note.promised)
            note.promised = None

    async def _sweep(self) -> None:
        while True:
            try:
                await self.store.forget_records(self.ledger.now() - self.config.keep_days * _DAY)
            except StoreUnavailable:
                logger.warning("the store is away: records that are too old stay for an hour more")
            await asyncio.sleep(_SWEEP_SECONDS)


def _ended(record: Record, exchange: Exchange, outcome: Outcome) -> Record:
    seconds = sum([attempt.seconds for attempt in exchange.attempts])
    return replace(record, status=outcome.status, outcome=outcome.kind, seconds=round(seconds, 4))
