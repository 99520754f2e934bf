"""Plugins that gateways under test load from a distribution of their own, as users' plugins are."""

import asyncio
import logging
import time
from typing import Any, ClassVar

from attrs import frozen

from jackfield.config import option
from jackfield.exchange import Exchange
from jackfield.plugin import Plugin, hookimpl
from jackfield.response import Chunk, Outcome
from jackfield.setup import Setup

logger = logging.getLogger("tally")


class Tally(Plugin):
    """Says in the log how each exchange ended."""

    on_error = "skip"

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Say it."""
        logger.info("settled %s %s", exchange.id, outcome.kind)


class Crowd(Plugin):
    """Says in the log how many tasks there are, once the exchange that asks is over."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Say it."""
        logger.info("tasks %d", len(asyncio.all_tasks()))


class Blocker(Plugin):
    """Blocks the event loop in one hook, for requests whose model requires it."""

    on_error = "skip"

    @frozen
    class Config:
        """The table of a blocker."""

        hook: str = option("pre_request", "Where.")
        seconds: float = option(0.6, "How long.")

    def _block(self, exchange: Exchange, hook: str) -> None:
        if self.config.hook == hook and "block" in (exchange.model or ""):
            time.sleep(self.config.seconds)

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Block."""
        self._block(exchange, "pre_request")

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> None:
        """Block."""
        self._block(exchange, "on_stream_chunk")

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Block."""
        self._block(exchange, "post_response")


class Onlooker(Plugin):
    """Looks at every event of a stream and leaves it, so that streams go past a plugin."""

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> None:
        """Look."""


class Stamp(Plugin):
    """Says in the log which configuration each request saw at first and at last."""

    @frozen
    class Config:
        """The table of a stamp."""

        number: int = option(0, "Which configuration this is.")

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Note it."""
        exchange.state["stamp"] = self.config.number

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Say it."""
        logger.info("stamped %s %d %d", exchange.id, exchange.state["stamp"], self.config.number)


class FromTheFuture(Plugin):
    """Wants a kernel that does not exist."""

    requires: ClassVar[str] = ">=99"


class RaisesAtStart(Plugin):
    """Cannot start."""

    async def start(self, setup: Setup) -> None:
        """Fail."""
        raise OSError("its database is not there")


class NoPlugin:
    """Is none."""

    def __init__(self, config: Any) -> None:
        self.config = config
