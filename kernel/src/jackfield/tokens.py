"""Short-lived access tokens: fetched once for all who wait, renewed before they expire."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

from attrs import define, field, frozen

from jackfield.errors import GatewayError
from jackfield.secrets import Secret

__all__ = ["Token", "Tokens"]

_RETRY: Final = 10.0
"""Seconds between two tries to replace a token that is still good."""

_SPARE: Final = 10.0
"""Seconds that a request may take to reach the API: a token this near its end may come too late."""


@frozen
class Token:
    """A token and how many seconds it is valid."""

    text: str = field(repr=False)
    seconds: float


@define(eq=False)
class Tokens:
    """Keeps a valid token for one identity.

    `fetch` gets a new one and raises GatewayError if there is none. `hide` is told every new token
    before anyone gets it; `HttpProvider.hide` keeps it out of reported errors. A token is renewed
    `margin` seconds before it expires, or after three quarters of its lifetime if that is later.
    Meanwhile the old one is used, until it expires if no new one can be had.
    """

    _fetch: Callable[[], Awaitable[Token]]
    _hide: Callable[[str, Secret], None]
    _margin: float = 300.0
    _clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", init=False, repr=False)
    _came_at: float = field(default=-math.inf, init=False)
    _renew_at: float = field(default=-math.inf, init=False)
    _ends_at: float = field(default=-math.inf, init=False)
    _renewal: asyncio.Task[None] | None = field(default=None, init=False)

    async def take(self) -> str:
        """A valid token. Raises what `fetch` raises if none can be had."""
        now = self._clock()
        if now >= self._renew_at:
            renewal = self._renewal or self._begin()
            if now >= self._ends_at - _SPARE:
                await self._wait_for(renewal)
        return self._token

    def forget(self, token: str) -> bool:
        """Make the next caller wait for a new token, because the API refused this one.

        Whether `take` will return another one. A token that has only just been fetched stays: the
        next one would be refused as well.
        """
        if token == self._token:
            if self._clock() < self._came_at + _RETRY:
                return False
            self._renew_at = self._ends_at = -math.inf
        return True

    async def stop(self) -> None:
        """Cancel a running renewal."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    def _begin(self) -> asyncio.Task[None]:
        self._renewal = asyncio.create_task(self._renew())
        self._renewal.add_done_callback(self._ended)
        return self._renewal

    async def _wait_for(self, renewal: asyncio.Task[None]) -> None:
        try:
            # Shielded, because others may be waiting for it too.
            await asyncio.shield(renewal)
        except GatewayError:
            if self._clock() >= self._ends_at:
                raise

    async def _renew(self) -> None:
        began = self._clock()
        token = await self._fetch()
        if self._token:  # running requests have the old one
            self._hide("token before", Secret(self._token))
        self._hide("token", Secret(token.text))
        self._token = token.text
        self._came_at = self._clock()
        self._ends_at = began + token.seconds
        self._renew_at = self._ends_at - min(self._margin, token.seconds / 4)

    def _ended(self, renewal: asyncio.Task[None]) -> None:
        self._renewal = None
        # Those who waited got the error; if nobody did, the next caller tries again.
        if not renewal.cancelled() and renewal.exception() is not None:
            self._renew_at = min(self._clock() + _RETRY, self._ends_at)
