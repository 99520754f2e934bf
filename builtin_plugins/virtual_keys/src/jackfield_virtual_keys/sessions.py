"""Realtime sessions, which may last for hours: each is ended once its key no longer allows it."""

import asyncio
from collections.abc import MutableMapping
from typing import Final
from weakref import WeakKeyDictionary

from attrs import define, field

from jackfield.errors import GatewayError
from jackfield.exchange import Exchange

from .client_address import client_address
from .keyring import Keyring

_SECONDS: Final = 0.5
"""How often the keys are judged anew; what is known of them comes from memory."""


@define(eq=False)
class Sessions:
    """The open sessions, with the texts of their keys."""

    _keyring: Keyring
    _proxies: tuple[str, ...]
    _keys: MutableMapping[Exchange, str] = field(factory=WeakKeyDictionary, init=False)

    def add(self, exchange: Exchange, key: str) -> None:
        """Watch a session for as long as it lasts."""
        self._keys[exchange] = key

    async def watch(self) -> None:
        """End the sessions whose keys were revoked, have expired or allow less than before."""
        while True:
            await asyncio.sleep(_SECONDS)
            for exchange, key in list(self._keys.items()):
                try:
                    await self._judge(exchange, key)
                except GatewayError as refusal:
                    exchange.end(refusal)

    async def _judge(self, exchange: Exchange, key: str) -> None:
        grant = await self._keyring.look_up(key)
        grant.check_time(self._keyring.now())
        grant.check_address(client_address(exchange.request, self._proxies))
        grant.check_request(exchange)
