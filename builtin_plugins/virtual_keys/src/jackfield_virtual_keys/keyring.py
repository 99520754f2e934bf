"""Looks up keys, with a cache of a few seconds."""

import asyncio
import hashlib
import time
from collections.abc import Callable
from typing import Any, Final, Never

from attrs import define, field, frozen

from jackfield.errors import Overloaded, Unauthenticated
from jackfield.exchange import Principal
from jackfield.store import StoreUnavailable

from .grant import Grant, Names, Refusal
from .hierarchy import Hierarchy
from .holders import Holder, Place, VirtualKey
from .key_text import KeyText, is_key_like, read_key
from .lineage import BrokenLineage, Lineage, trace
from .virtual_keys import VirtualKeyCollection, digests_in, ends_at

MOST_GRANTS: Final = 20_000
MOST_REFUSALS: Final = 4_096
MOST_LOOKUPS: Final = 128
"""Keys that are looked up at once; more are told to come again."""

LONGEST_LOOKUP: Final = 0.5
"""Seconds that a request waits; the lookup goes on for those that come after it."""

LONGEST_CHECK: Final = 0.05
"""Seconds that it waits if it may go on with what was known of its key before."""

REFUSAL_SECONDS: Final = 0.005
"""What finding out takes that a key is not known. The store may be quicker where it has nothing,
which would tell an id that exists from one that does not."""

_MOST_TRIES: Final = 5
_AWAY_SECONDS: Final = 1.0
"""How long nobody asks a store that has not answered."""

_LONGEST_KEY: Final = 512
_MISTYPED: Final = (
    "The key is mistyped or incomplete: its checksum is wrong. Copy all of it, from jf- to the end."
)
_FOREIGN: Final = "This is not a key of the gateway: its keys begin with jf-. Ask for one."
_UNKNOWN: Final = "The key is unknown. Check that it is the right one, or ask for a new one."


class KeysUnavailable(Overloaded):
    """It cannot be determined at the moment whether a key is valid."""

    code = "keys_unavailable"


@frozen
class Freshness:
    """How long cached keys are used: without asking, and while the store is unavailable."""

    cache: float
    stale: float


@define(eq=False)
class _Known:
    verdict: Grant | Refusal
    fresh_until: float
    stale_until: float


@define(eq=False)
class _Found:
    holder: Holder | None
    until: float


@define(eq=False)
class Keyring:
    """The keys that one process has seen, by digests of their texts, with their grants.

    Unknown keys are cached separately and cannot evict known ones.
    """

    _keys: VirtualKeyCollection
    _hierarchy: Hierarchy
    _names: Names
    _freshness: Freshness
    _clock: Callable[[], float] = time.monotonic
    _known: dict[bytes, _Known] = field(factory=dict, init=False)
    _unknown: dict[bytes, float] = field(factory=dict, init=False)
    _holders: dict[Place, _Found] = field(factory=dict, init=False)
    _lookups: dict[bytes, "asyncio.Task[Grant | Refusal]"] = field(factory=dict, init=False)
    _changes: int = field(default=0, init=False)
    _away_until: float = field(default=0.0, init=False)

    def now(self) -> float:
        """The store's clock."""
        return self._keys.setup.ledger.now()

    def recall(self, text: str) -> Grant | None:
        """The cached result for a key, if it is recent. Never waits."""
        known = self._known.get(_digest(text))
        if known is None or known.fresh_until < self._clock():
            return None
        return _granted(known.verdict)

    async def look_up(self, text: str) -> Grant:
        """The grant of a key. Raises Unauthenticated, or KeysUnavailable without the store."""
        key = read_key(text) if len(text) <= _LONGEST_KEY else None
        if key is None:
            raise Unauthenticated(_MISTYPED if is_key_like(text) else _FOREIGN)
        digest = _digest(text)
        now = self._clock()
        if self._unknown.get(digest, 0.0) > now:
            raise Unauthenticated(_UNKNOWN)
        known = self._known.get(digest)
        if known is not None and known.fresh_until >= now:
            return _granted(known.verdict)
        return _granted(await self._shared_lookup(key, digest))

    def forget(self, place: Place | None) -> None:
        """Drop what is cached about a place, or recheck everything.

        Keys below a changed place are no longer used in any case. If everything is rechecked, keys
        may still be used while the store is unavailable.
        """
        self._changes += 1
        if place is None:
            self._holders.clear()
            self._unknown.clear()
            for known in self._known.values():
                known.fresh_until = 0.0
            return
        self._holders.pop(place, None)
        for digest, known in list(self._known.items()):
            if place in known.verdict.places:
                del self._known[digest]

    async def find(self, place: Place) -> Holder | None:
        """The item at a place, cached for a moment. Raises StoreUnavailable."""
        now = self._clock()
        found = self._holders.get(place)
        if found is None or found.until < now:
            changes = self._changes
            holder = await self._hierarchy.find(place)
            found = _Found(holder, now + self._freshness.cache / 2)
            if changes == self._changes:
                _make_room(self._holders, MOST_GRANTS)
                self._holders[place] = found
        return found.holder

    async def close(self) -> None:
        """Cancel the lookups in progress."""
        tasks = list(self._lookups.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _shared_lookup(self, key: KeyText, digest: bytes) -> Grant | Refusal:
        """Look a key up once for all requests that wait for it."""
        task = self._lookups.get(digest)
        if task is None:
            if self._away_until > self._clock() or len(self._lookups) >= MOST_LOOKUPS:
                return self._before(digest) or _refuse()
            task = asyncio.create_task(self._lookup(key, digest))
            self._lookups[digest] = task
            task.add_done_callback(lambda done: self._looked_up(digest, done))
        waits = LONGEST_LOOKUP if self._before(digest) is None else LONGEST_CHECK
        await asyncio.wait([task], timeout=waits)
        if task.done():
            try:
                return task.result()
            except StoreUnavailable:
                self._away_until = self._clock() + _AWAY_SECONDS
        return self._before(digest) or _refuse()

    def _before(self, digest: bytes) -> Grant | Refusal | None:
        """The earlier result for a key, if it may be used while the store is unavailable."""
        known = self._known.get(digest)
        return known.verdict if known is not None and known.stale_until > self._clock() else None

    def _looked_up(self, digest: bytes, task: "asyncio.Task[Grant | Refusal]") -> None:
        self._lookups.pop(digest, None)
        if not task.cancelled():
            task.exception()  # the waiting requests have the error

    async def _lookup(self, key: KeyText, digest: bytes) -> Grant | Refusal:
        for _ in range(_MOST_TRIES):
            changes, began = self._changes, self._clock()
            verdict = await self._verdict(key)
            if changes == self._changes:
                self._remember(digest, verdict, began)
                return verdict
        raise StoreUnavailable("The keys change too fast to be read.")

    def _remember(self, digest: bytes, verdict: Grant | Refusal, began: float) -> None:
        # Half the time here and half for what is above the key, which has its own cache.
        fresh_until = began + self._freshness.cache / 2
        if isinstance(verdict, Refusal) and not verdict.places:
            self._known.pop(digest, None)
            _make_room(self._unknown, MOST_REFUSALS)
            self._unknown[digest] = fresh_until
            return
        self._known.pop(digest, None)
        _make_room(self._known, MOST_GRANTS)
        self._known[digest] = _Known(verdict, fresh_until, began + self._freshness.stale)

    async def _verdict(self, key: KeyText) -> Grant | Refusal:
        loop = asyncio.get_running_loop()
        known_at = loop.time() + REFUSAL_SECONDS
        value = await self._keys.read(key.id)
        own = self._keys.pepper.digest(key.secret)
        fits, until = digests_in(value).match(own, self.now())
        if value is None or not fits:
            await asyncio.sleep(known_at - loop.time())
            return Refusal(Unauthenticated, _UNKNOWN)
        item = self._keys.item_of(value)
        place = Place("key", key.id)
        try:
            lineage = await trace(place, item, self.find)
        except BrokenLineage:
            message = "What the key belongs to is not there any more; ask for a new one."
            return Refusal(Unauthenticated, message, frozenset([place, *item.parents()]))
        return self._judged(item, lineage, until)

    def _judged(self, key: VirtualKey, lineage: Lineage, until: float | None) -> Grant | Refusal:
        places = frozenset(lineage.places)
        if lineage.revoked is not None:
            return Refusal(Unauthenticated, _revoked(lineage.revoked), places)
        allowed = lineage.allowed
        last = ends_at(key, allowed)
        ends = [moment for moment in (until, last.timestamp() if last else None) if moment]
        roles = allowed.roles or ()
        principal = Principal(
            tenant=lineage.organizations[0],
            key_id=lineage.places[-1].id,
            permissions=frozenset(allowed.permissions or ()),
            metadata=lineage.metadata,
            scopes=tuple(map(str, lineage.places)),
            role=key.role if key.role in roles else None,
            models=allowed.models,
            providers=allowed.providers,
        )
        return Grant(principal, allowed, places, self._names, min(ends, default=None))


def _digest(text: str) -> bytes:
    return hashlib.blake2s(text.encode("utf-8", "surrogatepass")).digest()


def _granted(verdict: Grant | Refusal) -> Grant:
    if isinstance(verdict, Refusal):
        raise verdict.error(verdict.message)
    return verdict


def _revoked(place: Place) -> str:
    if place.kind == "key":
        return "The key has been revoked; ask for a new one."
    return f"The {place.kind} of the key has been revoked, and with it all of its keys."


def _refuse() -> Never:
    raise KeysUnavailable(
        "The key cannot be checked at the moment; try again soon.", retry_after=_AWAY_SECONDS
    )


def _make_room(kept: dict[Any, Any], most: int) -> None:
    """Drop the oldest entry if the cache is full."""
    if len(kept) >= most:
        del kept[next(iter(kept))]
