"""Batches: who owns each, and its usage, recorded once however often it is fetched."""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Final, Literal
from urllib.parse import unquote

import msgspec
from attrs import field, frozen
from msgspec.structs import replace

from jackfield import Exchange, Response, Target
from jackfield.adjustments import Corrector
from jackfield.ledger import Ledger
from jackfield.messages import Usage
from jackfield.prices import Cost, PriceBook
from jackfield.store import Conflict, Entry, Store, StoreUnavailable

from .batch_results import TIER, Results, Sum
from .batch_updates import BatchUpdate, updates_in
from .cells import scope_of, tallies_of
from .correction import adjustment_of
from .record import Record, decoded

logger = logging.getLogger("jackfield.usage")

_FETCHED: Final = re.compile(r"/(?:files|batches)/([^/]+)(?:/content|/results|:download)")
_AT_ONCE: Final = 262_144
"""Bytes that are parsed before the event loop gets a turn."""

_TURN: Final = 256
"""Results that are parsed before the event loop gets a turn."""

_GATEWAY: Final = ""
_TURNS: Final = 5
_PAUSE: Final = 0.2
"""How often, and after how many seconds each, a batch that another request records is looked at."""

_LONGEST_TURN: Final = 60.0
"""Seconds after which a process that began to record a batch is presumed dead."""


class Part(msgspec.Struct, frozen=True):
    """What is recorded of the results of one model, as in a `Sum`."""

    tokens: Mapping[str, int] = {}
    units: Mapping[str, int] = {}
    nano: int = 0

    def rest_of(self, total: Sum) -> Sum:
        """What a sum has besides; nothing if fewer results were fetched than before."""
        tokens, units = total.tokens - Counter(self.tokens), total.units - Counter(self.units)
        return Sum(tokens, units, max(0, total.nano - self.nano), total.missing)

    def plus(self, rest: Sum) -> "Part":
        """Both together."""
        tokens, units = Counter(self.tokens) + rest.tokens, Counter(self.units) + rest.units
        return Part(dict(tokens), dict(units), self.nano + rest.nano)


class Batch(msgspec.Struct, frozen=True):
    """The owner of a batch, and whether it is recorded; `time` is that of its records.

    `parts` are what is recorded of results that were not fetched to their end, by model, in `made`
    records.
    """

    tenant: str
    scopes: tuple[str, ...]
    key: str
    tags: Mapping[str, str]
    state: Literal["known", "begun", "recorded"] = "known"
    time: float = 0.0
    begun: float = 0.0
    parts: Mapping[str, Part] = {}
    made: int = 0


_batch = msgspec.json.Decoder(Batch).decode


@frozen
class Batches:
    """The batches of a gateway. One that was created elsewhere is charged to who fetches it.

    Owners, and which batches are recorded, are kept for `keep` seconds.
    """

    _store: Store
    _ledger: Ledger
    _prices: PriceBook
    _tags: tuple[str, ...]
    _correctors: Sequence[Corrector]
    _keep: float
    _ending: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def stop(self) -> None:
        """Wait until what clients have fetched before they left is recorded."""
        if self._ending:
            await asyncio.wait(self._ending)

    async def watched(self, exchange: Exchange, target: Target, response: Response) -> Response:
        """The response, after recording the batches in it and their usage."""
        endpoint, path = exchange.endpoint, unquote(exchange.request.path)  # as it is sent on
        if response.status != 200 or endpoint.permission not in ("batches", "files"):
            return response
        fetched = _FETCHED.search(path)
        if fetched is None or not path.endswith(fetched[0]) or exchange.request.method != "GET":
            if endpoint.permission == "batches" and isinstance(response.body, bytes):
                await self._read_updates(exchange, target, response.body)
            return response
        results, body = Results(self._pricing(target)), response.body
        if not isinstance(body, bytes):
            stream = self._read(body, results, exchange, target, fetched[1])
            return replace(response, body=stream)
        for start in range(0, len(body), _AT_ONCE):
            results.feed(body[start : start + _AT_ONCE])
            await asyncio.sleep(0)
        await self._end(results, exchange, target, fetched[1])
        return response

    async def _read(
        self,
        body: AsyncIterator[bytes],
        results: Results,
        exchange: Exchange,
        target: Target,
        id: str,
    ) -> AsyncIterator[bytes]:
        whole = False
        try:
            async for data in body:
                results.feed(data)
                yield data
            whole = True
            await self._end(results, exchange, target, id)
        finally:
            if not whole:  # the client has left, with all but the end perhaps
                task = asyncio.create_task(self._end(results, exchange, target, id, whole=False))
                self._ending.add(task)
                task.add_done_callback(self._ending.discard)
            if hasattr(body, "aclose"):
                await body.aclose()

    def _pricing(self, target: Target) -> "_Pricing":
        return _Pricing(self._prices, target.provider, self._ledger.now())

    async def _read_updates(self, exchange: Exchange, target: Target, body: bytes) -> None:
        """Record the batches in an answer, and their results if it has them."""
        try:
            for update in updates_in(body):
                await self._note(update, exchange, target)
                results = Results(self._pricing(target), update.model)
                for number, line in enumerate(update.results, 1):
                    results.add(line)
                    if not number % _TURN:
                        await asyncio.sleep(0)
                await self._end(results, exchange, target, update.id)
        except (msgspec.DecodeError, UnicodeError):
            return
        except StoreUnavailable:
            logger.warning("the store is unavailable: the owner of a batch was not recorded")

    async def _note(self, update: BatchUpdate, exchange: Exchange, target: Target) -> None:
        """Keep the owner of a new batch, who also owns the file of its results."""
        place = _place(target, update.id)
        if exchange.request.method == "POST":
            await self._put(place, _of(exchange), 0)
        whose = await self._store.get(_GATEWAY, place) if update.file else None
        if whose is not None:
            known = replace(_batch(whose.data), state="known")
            await self._put(_place(target, update.file), known, 0)

    async def _end(
        self, results: Results, exchange: Exchange, target: Target, id: str, *, whole: bool = True
    ) -> None:
        """Record the results; those that are not `whole` as far as they have come."""
        if whole:
            results.end()
        else:
            results.feed(b"\n")
        if not results.sums:
            return
        try:
            for _ in range(_TURNS if whole else 1):
                if await self._record(results.sums, exchange, target, id, whole=whole):
                    break
                await asyncio.sleep(_PAUSE)
        except StoreUnavailable:
            logger.warning("the store is unavailable: fetch the batch results again to record them")

    async def _record(
        self, sums: Mapping[str, Sum], exchange: Exchange, target: Target, id: str, *, whole: bool
    ) -> bool:
        """Record what is not recorded yet; False if somebody else is recording the batch."""
        place = _place(target, id)
        value, now = await self._store.get(_GATEWAY, place), self._ledger.now()
        batch = _batch(value.data) if value is not None else _of(exchange)
        if batch.state == "recorded":
            return True
        if now - batch.begun < _LONGEST_TURN:
            return False
        batch = replace(batch, state="begun", time=batch.time or now, begun=now)
        version = await self._put(place, batch, value.version if value is not None else 0)
        if version is None:
            return False
        known, rests = await self._known(batch), _rests(batch, sums)
        for record in _records(batch, rests, exchange, target, id):
            if record.id not in known:
                self._ledger.post(self._entry(batch.tenant, record))
        await self._ledger.flush()
        done = replace(batch, state="recorded") if whole else _with_parts(batch, rests)
        await self._put(place, done, version)
        return True

    async def _known(self, batch: Batch) -> set[str]:
        """The ids of records of a batch that were written by a process that died."""
        if batch.time == batch.begun:
            return set()
        until = batch.time + 0.001
        found = await self._store.records(scope_of(batch.tenant), batch.time, until)
        return {decoded(one.data).id for one in found}

    async def _put(self, place: str, batch: Batch, version: int) -> int | None:
        try:
            data = msgspec.json.encode(batch)
            return await self._store.put(_GATEWAY, place, data, ttl=self._keep, expect=version)
        except Conflict:
            return None

    def _entry(self, tenant: str, record: Record) -> Entry:
        change = adjustment_of(record, tenant)
        debits = tuple([debit for correct in self._correctors for debit in correct(change)])
        tallies = tallies_of(record, self._tags)
        return Entry(scope_of(tenant), record.time, record.encoded(), debits, tallies)


@frozen
class _Pricing:
    _prices: PriceBook
    _provider: str
    _at: float

    def __call__(self, model: str, usage: Usage) -> Cost:
        return self._prices.cost(Target(self._provider, model), usage, at=self._at)


def _place(target: Target, id: str) -> str:
    return f"usage-batch/{target.provider}/{id}"


def _of(exchange: Exchange) -> Batch:
    principal = exchange.principal
    tags = dict(exchange.metadata)
    return Batch(principal.tenant, principal.scopes, principal.key_id or "", tags)


def _rests(batch: Batch, sums: Mapping[str, Sum]) -> Mapping[str, Sum]:
    """What is not recorded yet, by model."""
    known = batch.parts
    rests = {model: known.get(model, Part()).rest_of(total) for model, total in sums.items()}
    return {
        m: rest
        for m, rest in rests.items()
        if m not in known or rest.tokens or rest.units or rest.nano
    }


def _with_parts(batch: Batch, rests: Mapping[str, Sum]) -> Batch:
    """The batch, of which these have now been recorded as well."""
    known = batch.parts
    parts = {model: known.get(model, Part()).plus(rest) for model, rest in rests.items()}
    made = batch.made + len(rests)
    return replace(batch, state="known", begun=0.0, made=made, parts={**known, **parts})


def _records(
    batch: Batch, sums: Mapping[str, Sum], exchange: Exchange, target: Target, id: str
) -> Iterator[Record]:
    """A record for each model; the first one of a batch counts as the request."""
    for number, (model, total) in enumerate(sums.items(), batch.made):
        yield Record(
            f"batch/{id}/{number}",
            batch.time,
            batch.scopes,
            batch.key,
            target.provider,
            model,
            model,
            exchange.operation,
            exchange.dialect.name,
            batch.tags,
            +total.tokens,
            +total.units,
            TIER,
            total.nano,
            total.missing,
            request=f"batch/{id}/0" if number else "",
        )
