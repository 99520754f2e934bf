"""A plugin that fails as each request asks it to: one gateway is shown every failure."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from attrs import frozen
from msgspec.structs import replace

from jackfield.config import option
from jackfield.errors import Forbidden
from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, hookimpl
from jackfield.response import Chunk, Outcome, Response


class Moody(Plugin):
    """Fails for the models `PROVIDER/PLUGIN.HOOK.KIND` where PLUGIN is the name of its own table.

    The kinds are those of `jackfield.testing.Faulty`, and `block`, which blocks the event loop.
    """

    @frozen
    class Config:
        """The table of a moody plugin."""

        seconds: float = option(0.35, "How long it blocks the event loop.")

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        """Fail, or let it pass."""
        return cast("Response | None", await self._act(exchange, "pre_request"))

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Fail, or leave the plan."""
        return cast("Plan | None", await self._act(exchange, "route"))

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Fail, or go on."""
        kind = self._requested_failure(exchange, "call_provider")
        if kind == "undeclared":
            return replace(await call_next(target), status=203)
        if kind in ("", "block"):
            await self._act(exchange, "call_provider")
            return await call_next(target)
        return cast("Response", await self._act(exchange, "call_provider"))

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        """Fail, or leave the chunk."""
        kind = self._requested_failure(exchange, "on_stream_chunk")
        if kind == "block" and exchange.state.setdefault(self, chunk) is not chunk:
            return None  # once a stream
        other = chunk.with_data(b'data: {"text":"undeclared"}\n\n')
        return cast("Sequence[Chunk] | None", self._fail(kind, lambda: (other,)))

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        """Fail, or leave the response."""
        return cast("Response | None", await self._act(exchange, "post_response"))

    def _requested_failure(self, exchange: Exchange, hook: str) -> str:
        _, _, name = (exchange.body_model or "").partition("/")
        wish = name.split(".")
        return wish[2] if wish[:2] == [self.name, hook] else ""

    async def _act(self, exchange: Exchange, hook: str) -> Any:
        kind = self._requested_failure(exchange, hook)
        if kind == "hang":
            await asyncio.Event().wait()
        early = Response(200, b'{"error":null,"choices":[{"early":true}]}')
        if hook == "post_response":
            return self._fail(kind, lambda: early)
        return self._fail(kind, lambda: exchange.set_model("same/another"))

    def _fail(self, kind: str, undeclared: Callable[[], Any]) -> Any:
        match kind:
            case "raise":
                raise RuntimeError("the request asks for a failure")
            case "refuse":
                raise Forbidden("The request asks for a refusal.")
            case "cancel":
                raise asyncio.CancelledError
            case "wrong_type":
                return object()
            case "undeclared":
                return undeclared()
            case "block":
                time.sleep(self.config.seconds)
        return None
