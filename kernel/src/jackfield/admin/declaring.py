"""What the file declares is made when the gateway starts, or as soon as that is possible."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from attrs import define, field

from jackfield.admin.declarations import PLANNING, Declared, declare_all
from jackfield.errors import ConfigError, Overloaded

PAUSE: Final = 1.0
"""Seconds between two tries."""

_logger = logging.getLogger("jackfield.admin")


@define(eq=False)
class Declaring:
    """Makes what the file `by` declares; while the store is away it goes on trying."""

    _declared: Sequence[Declared]
    _by: str
    _problem: str | None = field(default=None, init=False)
    _trying: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> None:
        """Make it now if that can be. Raises ConfigError where a rule of a collection is broken."""
        try:
            await declare_all(self._declared, self._by)
        except Overloaded as error:
            if PLANNING.get() is not None:
                raise
            self._problem = f"what {self._by} declares is not made yet: {error.message}"
            _logger.warning("%s", self._problem)
            self._trying = asyncio.create_task(self._try_again())

    async def stop(self) -> None:
        """Try no longer."""
        if self._trying is not None:
            self._trying.cancel()
            await asyncio.wait([self._trying])

    async def health(self) -> str | None:
        """What is not as it is declared."""
        return self._problem

    async def _try_again(self) -> None:
        while self._problem is not None:
            await asyncio.sleep(PAUSE)
            try:
                await declare_all(self._declared, self._by)
                self._problem = None
            except Overloaded:
                continue
            except ConfigError as error:
                self._problem = str(error)
                _logger.error("%s", error)
                return
