"""Tokens of Microsoft Entra for an application: fetched with its secret, renewed in time.

Source: "OAuth 2.0 client credentials flow on the Microsoft identity platform".
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from attrs import define, field

from jackfield.errors import GatewayError, ProviderError
from jackfield.secrets import Secret

Post = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
"""Sends a form to a path of Entra; the status and the body of the answer."""

_MARGIN: Final = 300.0
"""Seconds before its end in which a token is renewed."""

_RETRY: Final = 10.0
"""Seconds between two tries to renew a token that is still good."""

_CODE = re.compile(r"[a-z_]{1,40}")


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float


class _Refused(msgspec.Struct):
    error: str = ""


@define(eq=False)
class EntraTokens:
    """The token of one application. Whoever asks while it is being fetched waits for the same one.

    Each new token is told to `hide`, which keeps it out of errors.
    A token is renewed a while before it ends; when that fails it serves until it does.
    """

    provider: str
    tenant_id: str
    client_id: str
    scope: str
    secret: Secret
    _post: Post
    _hide: Callable[[Secret], None]
    _clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", init=False, repr=False)
    _renew_at: float = field(default=0.0, init=False)
    _ends_at: float = field(default=0.0, init=False)
    _fetching: asyncio.Task[None] | None = field(default=None, init=False)

    async def take(self) -> str:
        """A token that is good now. Raises ProviderError when none can be had."""
        now = self._clock()
        if now >= self._renew_at:
            try:
                await self._renewed()
            except GatewayError:
                if now >= self._ends_at:
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
            self._fetching = asyncio.create_task(self._fetch())
            self._fetching.add_done_callback(self._fetched)
        await asyncio.shield(self._fetching)

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # those who waited have it; if nobody did, the next one tries again

    async def _fetch(self) -> None:
        began = self._clock()
        members = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret.reveal(),
            "scope": self.scope,
        }
        path = f"/{quote(self.tenant_id, safe='')}/oauth2/v2.0/token"
        status, body = await self._post(path, urlencode(members).encode())
        if status != 200:
            raise self._refusal(status, body)
        try:
            granted = msgspec.json.decode(body, type=_Granted)
        except msgspec.MsgspecError:
            raise self._refusal(status, b"") from None
        self._token = granted.access_token
        self._hide(Secret(self._token))
        self._ends_at = began + granted.expires_in
        self._renew_at = self._ends_at - min(_MARGIN, granted.expires_in / 4)

    def _refusal(self, status: int, body: bytes) -> ProviderError:
        try:
            code = msgspec.json.decode(body, type=_Refused).error
        except msgspec.MsgspecError:
            code = ""
        known = f" ({code})" if _CODE.fullmatch(code) else ""
        return ProviderError(
            f"Entra gave no token: it answered {status}{known}; check `tenant_id`, `client_id` and"
            " `client_secret` of the provider's `auth`.",
            provider=self.provider,
        )
