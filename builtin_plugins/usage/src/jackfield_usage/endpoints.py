"""The endpoints under `/jackfield/usage`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import msgspec
from attrs import evolve, frozen

from jackfield import Exchange, Forbidden, InvalidRequest, Response
from jackfield.adjustments import Corrector
from jackfield.admin import actor_of
from jackfield.catalogue import Catalogue
from jackfield.ledger import Ledger
from jackfield.store import Conflict, Entry, Store

from .cells import scope_of, tallies_of
from .correction import Correction, adjustment_of, corrected
from .query import OF_RECORDS, OF_REPORTS, PARAMETERS, Query
from .report import is_selected, made, records, tenants_of

if TYPE_CHECKING:
    from jackfield.endpoints import Answering

CSV: Final = "text/csv; charset=utf-8"
_CLAIM: Final = 60.0
"""Seconds for which a correction that has begun is not begun again."""

_corrections = msgspec.json.Decoder(list[Correction]).decode


@frozen
class Reports:
    """Answers from the store; `tags` are those that cells keep apart, `keep` is in seconds."""

    _store: Store
    _ledger: Ledger
    _tags: tuple[str, ...]
    _keep: float
    _correctors: Sequence[Corrector]

    def answers(self) -> "Iterator[tuple[str, Answering, tuple[str, ...]]]":
        """The paths for reading, each with its handler and its query parameters."""
        for path, answer, unheard in (
            ("/jackfield/usage", self.report, OF_RECORDS),
            ("/jackfield/usage/records", self.records, OF_REPORTS | {"format"}),
        ):
            yield path, answer, tuple(name for name in PARAMETERS if name not in unheard)

    async def report(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """Usage and cost, by scope, model, provider, operation or tag."""
        query = self._query(exchange, OF_RECORDS)
        await self._ledger.flush()
        report = await made(self._store, query, self._tags, self._ledger.now() - self._keep)
        if query.format == "csv":
            return Response(200, report.as_csv(), CSV)
        return Response(200, report.as_json(query))

    async def records(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """The records, ordered by time, in pages."""
        query = self._query(exchange, OF_REPORTS)
        if query.format == "csv":
            raise InvalidRequest("Records are only JSON; use an export for CSV.", param="format")
        await self._ledger.flush()
        try:
            found, after = await self._page(query)
        except ValueError:
            problem = "'after' must be the 'next' of an earlier page."
            raise InvalidRequest(problem, param="after") from None
        return Response(200, msgspec.json.encode({"data": found, "next": after}))

    async def correct(self, exchange: Exchange, catalogue: Catalogue) -> Response:
        """Correct records that no provider has reported, according to an invoice.

        Budgets are corrected too, so callers that belong to an organization are refused.
        """
        if actor_of(exchange).organization:
            raise Forbidden("A key that belongs to an organization may not correct records.")
        try:
            corrections = _corrections(exchange.request.body)
        except msgspec.DecodeError as error:
            raise InvalidRequest(f"The body is not a list of corrections: {error}.") from None
        await self._ledger.flush()
        query, ids = Query(0, self._ledger.now() + 1), {one.id for one in corrections}
        mended = []
        for tenant in await tenants_of(self._store, query):
            found = records(self._store, tenant, query)
            kept = [one async for _, one in found if (one.corrects or one.id) in ids]
            scope = scope_of(tenant)
            for record in corrected(kept, corrections):
                if not await self._is_first(scope, record.id):
                    continue
                tallies = tallies_of(record, self._tags)
                change = adjustment_of(record, tenant)
                debits = tuple(debit for correct in self._correctors for debit in correct(change))
                entry = Entry(scope, record.time, record.encoded(), debits, tallies)
                self._ledger.post(entry)
                mended.append(record.corrects)
        await self._ledger.flush()
        return Response(200, msgspec.json.encode({"corrected": mended}))

    async def _is_first(self, scope: str, id: str) -> bool:
        """Whether no other request is making this correction, which records do not show yet."""
        try:
            await self._store.put(scope, f"usage/corrections/{id}", b"1", ttl=_CLAIM, expect=0)
        except Conflict:
            return False
        return True

    def _query(self, exchange: Exchange, unheard: frozenset[str]) -> Query:
        request = exchange.request
        for name in unheard & parse_qs(request.query, keep_blank_values=True).keys():
            raise InvalidRequest(f"{name!r} is not supported here.", param=name)
        accept = request.headers.get("accept", "")
        return Query.read(request.query, accept, exchange.principal, self._ledger.now())

    async def _page(self, query: Query) -> tuple[list[dict[str, Any]], str | None]:
        """A page, and the position of the next one: a tenant and a place among its records."""
        begin, _, after = query.after.partition("/")
        found: list[dict[str, Any]] = []
        for tenant in await tenants_of(self._store, query):
            if tenant < begin:
                continue
            read = evolve(query, after=after if tenant == begin else "")
            async for place, record in records(self._store, tenant, read):
                if is_selected(record, query):
                    day = evolve(query, per="day").period(record.time)
                    found.append(record.shown() | {"tenant": tenant, "day": day})
                if len(found) == query.limit:
                    return found, f"{tenant}/{place}"
        return found, None
