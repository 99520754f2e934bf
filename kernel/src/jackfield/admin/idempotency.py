"""Does something once, however often it is requested with the same idempotency key."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec
from attrs import frozen

from jackfield.admin.change import Actor
from jackfield.admin.dry_run import GATEWAY
from jackfield.admin.errors import KeyReused
from jackfield.errors import GatewayError, InvalidRequest
from jackfield.store import StoreUnavailable

if TYPE_CHECKING:
    from jackfield.setup import Setup

_SECONDS: Final = 24 * 3600.0
_LONGEST: Final = 255
_UNKNOWN: Final = 500
"""From this status on it is open whether anything was changed."""


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was requested with a key and, once done, the answer without what it revealed.

    It is stored before anything is done: if the request is repeated after a failure in between, a
    created item is found by its `mark`, and an action by the mark that it left on the item.
    """

    request: str
    id: str
    mark: str
    answer: dict[str, Any] | None = None


@frozen
class Answered:
    """The answer to a request; `repeated` if it had been given before."""

    answer: Mapping[str, Any]
    repeated: bool


@frozen
class Attempts:
    """The requests that came with an idempotency key, kept for 24 hours."""

    _setup: "Setup"

    async def recall(self, actor: Actor, request: str) -> Attempt | None:
        """The previous attempt. Raises KeyReused if it was another `request`."""
        value = await self._setup.store.get(GATEWAY, self._key(actor))
        if value is None:
            return None
        attempt = msgspec.json.decode(value.data, type=Attempt)
        if attempt.request != request:
            raise KeyReused("This idempotency key was used for another request; use a new one.")
        return attempt

    async def remember(self, actor: Actor, attempt: Attempt) -> None:
        """Store an attempt."""
        data = msgspec.json.encode(attempt)
        await self._setup.store.put(GATEWAY, self._key(actor), data, ttl=_SECONDS)

    @asynccontextmanager
    async def first(self, actor: Actor, attempt: Attempt) -> AsyncIterator[None]:
        """Store an attempt while it is made for the first time; forget it if it is refused.

        Nothing was done then, and the error may be fixed under the same key.
        """
        await self.remember(actor, attempt)
        try:
            yield
        except GatewayError as error:
            if error.status < _UNKNOWN:
                with suppress(StoreUnavailable):
                    await self._setup.store.delete(GATEWAY, self._key(actor))
            raise

    def _key(self, actor: Actor) -> str:
        words = (actor.principal.tenant, actor.name, actor.idempotency_key)
        return f"admin-attempt/{hashlib.sha256(msgspec.json.encode(words)).hexdigest()}"


def request_digest(*parts: Any) -> str:
    """What distinguishes a request from others, however its JSON is formatted."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def checked_key(text: str) -> str:
    """The value of the header, if it is valid. Raises InvalidRequest."""
    if len(text) > _LONGEST or not text.isprintable():
        raise InvalidRequest(
            f"`Idempotency-Key` must have at most {_LONGEST} printable characters.",
            param="Idempotency-Key",
        )
    return text
