"""A plugin that fails as it is told: the bad neighbour in tests of others, or of the kernel."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, cast, get_args

from attrs import frozen
from msgspec.structs import replace

from jackfield.config import option
from jackfield.errors import Forbidden
from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, hookimpl
from jackfield.response import Chunk, Outcome, Response

HookName = Literal["", "pre_request", "route", "call_provider", "on_stream_chunk", "post_response"]
FaultKind = Literal["raise", "hang", "wrong_type", "refuse", "undeclared", "cancel"]

FAULT_KINDS: tuple[FaultKind, ...] = get_args(FaultKind)


class Faulty(Plugin):
    """Fails in one hook. In the TOML it is `use = "faulty"`.

    `raise` is an exception of no known kind, `hang` waits for ever, `wrong_type` returns nonsense,
    `refuse` raises Forbidden, `undeclared` changes what it has not declared, and `cancel` raises
    CancelledError although nobody has cancelled it.
    """

    @frozen
    class Config:
        """The table of a faulty plugin."""

        hook: HookName = option("", "The hook that fails.")
        kind: FaultKind = option("raise", "How it fails.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.settled: list[Outcome] = []

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        """Fail, or let it pass."""
        if self.config.hook != "pre_request":
            return None
        if self.config.kind == "undeclared":
            exchange.set_model("another")
            return None
        return cast("Response", await self._fail())

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Fail, or leave the plan."""
        if self.config.hook != "route":
            return None
        if self.config.kind == "undeclared":
            exchange.set_model("another")
            return None
        return cast("Plan", await self._fail())

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Fail, or go on."""
        if self.config.hook != "call_provider":
            return await call_next(target)
        if self.config.kind == "undeclared":
            return replace(await call_next(target), status=201)
        return cast("Response", await self._fail())

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        """Fail, or leave the chunk. A sync hook cannot hang; it raises TimeoutError."""
        if self.config.hook != "on_stream_chunk":
            return None
        if self.config.kind == "undeclared":
            return (chunk.with_data(b"data: {}\n\n"),)
        if self.config.kind == "hang":
            raise TimeoutError
        return cast("Sequence[Chunk]", self._fail_now())

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        """Fail, or leave the response."""
        self.settled.append(outcome)
        if self.config.hook != "post_response":
            return None
        if self.config.kind == "undeclared":
            return Response(201, b"{}")
        return await self._fail()

    async def _fail(self) -> Any:
        if self.config.kind == "hang":
            await asyncio.Event().wait()
        return self._fail_now()

    def _fail_now(self) -> Any:
        if self.config.kind == "raise":
            raise RuntimeError("it was told to fail")
        if self.config.kind == "refuse":
            raise Forbidden("It was told to refuse.")
        if self.config.kind == "cancel":
            raise asyncio.CancelledError
        return object()
