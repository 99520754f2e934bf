"""Calls to the server with a deadline and a single kind of error."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from redis.exceptions import (
    MasterDownError,
    NoScriptError,
    ReadOnlyError,
    ResponseError,
)

from jackfield.store import StoreUnavailable

from .problems import Problem, ServerLost, problem_of
from .routing import Router
from .scripts import Script
from .wire import Word

logger = logging.getLogger("jackfield.plugins")

LOG_EVERY: Final = 60.0
"""Seconds after which a persisting refusal is logged again."""

RETRY_AFTER: Final = 1.0
"""Seconds after which a client may retry."""

RECOVERING: Final = "RECOVERING"

_UNAVAILABLE: Final = "The store does not answer at the moment. Try again shortly."
_IN_RECOVERY: Final = "The store is being told what has been spent. Try again shortly."


class Server:
    """The server or servers that hold the store. No call takes longer than the deadline."""

    def __init__(self, router: Router, *, deadline: float) -> None:
        self._router = router
        self._deadline = deadline
        self._call_problem: Problem | None = None
        self._silent_until = 0.0

    @property
    def problem(self) -> Problem | None:
        """What is known to be wrong with the connection or was with the last call."""
        return self._router.problem or self._call_problem

    async def command(self, key: bytes, *words: Word) -> Any:
        """The result of a command on a key. Raises StoreUnavailable."""
        return await self._ask(key, words, self._until())

    async def run(self, script: Script, keys: Sequence[bytes], *words: Word) -> Any:
        """The result of a script on some keys of one slot. Raises StoreUnavailable."""
        rest = (len(keys), *keys, *words)
        until = self._until()
        try:
            return await self._ask(keys[0], ("EVALSHA", script.digest, *rest), until)
        except NoScriptError:
            return await self._ask(keys[0], ("EVAL", script.text, *rest), until)

    async def settled(self, seconds: float) -> None:
        """Wait until it is known whether the servers can be asked."""
        await self._router.settled(asyncio.get_running_loop().time() + seconds)

    def session(self, key: bytes) -> object:
        """Changes when the server of a key was reconnected to or has been replaced."""
        return self._router.session(key)

    async def stop(self) -> None:
        """Close all connections."""
        await self._router.stop()

    def _until(self) -> float:
        return asyncio.get_running_loop().time() + self._deadline

    async def _ask(self, key: bytes, words: Sequence[Word], until: float) -> Any:
        try:
            answer = await self._router.ask(key, words, until)
        except NoScriptError:
            raise
        except ServerLost as lost:
            raise StoreUnavailable(_UNAVAILABLE, retry_after=RETRY_AFTER) from lost
        except ResponseError as error:
            raise self._unavailable(key, error) from error
        self._call_problem = None
        return answer

    def _unavailable(self, key: bytes, error: ResponseError) -> StoreUnavailable:
        if RECOVERING in str(error):
            return StoreUnavailable(_IN_RECOVERY, retry_after=RETRY_AFTER)
        if isinstance(error, ReadOnlyError | MasterDownError):
            self._router.distrust(key, problem_of(error))
        self._call_problem = problem_of(error)
        now = asyncio.get_running_loop().time()
        if now >= self._silent_until:
            self._silent_until = now + LOG_EVERY
            logger.warning("The Redis server %s", self._call_problem.reason)
        return StoreUnavailable(_UNAVAILABLE, retry_after=RETRY_AFTER)
