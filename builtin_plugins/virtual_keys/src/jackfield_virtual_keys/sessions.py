"""What lasts after its key was checked: it is ended once that key is no longer good.

A stream is, when its key is unknown by now, as a revoked one is. A realtime session, which may last
for hours, also when its key has expired or allows less than before.
"""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Final
from weakref import WeakKeyDictionary

from attrs import define, field

from jackfield.errors import GatewayError, Unauthenticated
from jackfield.exchange import Exchange
from jackfield.http import WEBSOCKET

from .client_address import client_address
from .keyring import MOST_LOOKUPS, Keyring

logger = logging.getLogger("jackfield.virtual_keys")

_SECONDS: Final = 0.5
"""How often the keys are judged anew; what is known of them comes from memory."""

_AT_ONCE: Final = MOST_LOOKUPS // 2
"""Keys that are looked up at a time, so that requests can have theirs looked up as well."""


@define(eq=False)
class Sessions:
    """The open sessions and streams, with the texts of their keys."""

    _keyring: Keyring
    _proxies: tuple[str, ...]
    _keys: MutableMapping[Exchange, str] = field(factory=WeakKeyDictionary, init=False)

    def add(self, exchange: Exchange, key: str) -> None:
        """Watch a session, or a stream, for as long as it lasts."""
        self._keys[exchange] = key

    async def watch(self) -> None:
        """End what is open of keys that are no longer good."""
        while True:
            await asyncio.sleep(_SECONDS)
            doubtful = [one for one in list(self._keys.items()) if not self._is_known(*one)]
            for at in range(0, len(doubtful), _AT_ONCE):
                await asyncio.gather(*(self._judge(*one) for one in doubtful[at : at + _AT_ONCE]))

    def _is_known(self, exchange: Exchange, key: str) -> bool:
        """Whether nothing more has to be asked: it is a stream, and the cache has its key."""
        try:
            return not _is_session(exchange) and self._keyring.recall(key) is not None
        except GatewayError:
            return False

    async def _judge(self, exchange: Exchange, key: str) -> None:
        try:
            grant = await self._keyring.look_up(key)
            if _is_session(exchange):
                grant.check_time(self._keyring.now())
                grant.check_address(client_address(exchange.request, self._proxies))
                grant.check_request(exchange)
        except GatewayError as refusal:
            # Where the store is away it is not known whether the key is good: a stream goes on.
            if _is_session(exchange) or isinstance(refusal, Unauthenticated):
                exchange.end(refusal)
        except Exception as error:  # noqa: BLE001 - the keys of all others are judged all the same
            logger.error("the key of %s cannot be judged: %s", exchange, type(error).__name__)


def _is_session(exchange: Exchange) -> bool:
    return exchange.endpoint.method == WEBSOCKET
