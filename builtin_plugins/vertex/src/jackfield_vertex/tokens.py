"""The access token of one identity: renewed in time, once for all who wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from attrs import define, field, frozen

from jackfield.errors import GatewayError

_MARGIN: Final = 240.0
"""Seconds before its end in which a token is renewed: the metadata server gives no new one before.

Source: "Access tokens" in the documentation of Compute Engine.
"""

_RETRY: Final = 10.0
"""Seconds between two tries to renew a token that is still good."""


@frozen
class Token:
    """A token and for how many seconds it is good."""

    text: str = field(repr=False)
    seconds: float


@define(eq=False)
class Tokens:
    """The token that is good now. Whoever asks while it is being fetched waits for the same one.

    A token is renewed a while before it ends; when that fails it serves until it does.
    """

    _fetch: Callable[[], Awaitable[Token]]
    _clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", init=False, repr=False)
    _renew_at: float = field(default=0.0, init=False)
    _ends_at: float = field(default=0.0, init=False)
    _fetching: asyncio.Task[None] | None = field(default=None, init=False)

    async def take(self) -> str:
        """A token that is good now. Raises ProviderError when none can be had."""
        now = self._clock()
        if not self._token or now >= self._renew_at:
            try:
                await self._renewed()
            except GatewayError:
                if not self._token or now >= self._ends_at:
                    raise
                self._renew_at = now + _RETRY
        return self._token

    async def stop(self) -> None:
        """End a fetch that nobody waits for any more."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.wait([self._fetching])

    async def _renewed(self) -> None:
        # The fetch belongs to all who wait: that one of them leaves must not end it.
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._renew())
            self._fetching.add_done_callback(self._fetched)
        await asyncio.shield(self._fetching)

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # those who waited have it; if nobody did, the next one tries again

    async def _renew(self) -> None:
        began = self._clock()
        token = await self._fetch()
        self._token = token.text
        self._ends_at = began + token.seconds
        self._renew_at = self._ends_at - min(_MARGIN, token.seconds / 4)
