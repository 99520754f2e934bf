"""A plugin that fails on command: the bad neighbour for other plugins' tests."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from attrs import frozen
from msgspec.structs import replace

from jackfield.config import option
from jackfield.errors import Forbidden
from jackfield.exchange import ASKING, Exchange
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, hookimpl
from jackfield.response import Chunk, Outcome, Response

from .recorder import Recorder

HookName = Literal["", "pre_request", "route", "call_provider", "on_stream_chunk", "post_response"]
FaultKind = Literal["raise", "hang", "wrong_type", "refuse", "undeclared", "cancel", "answer"]

FAULTS: tuple[FaultKind, ...] = ("raise", "hang", "wrong_type", "refuse", "undeclared", "cancel")

EARLY_ANSWER = Response(200, b'{"model":"early","text":"early"}')
"""What `kind = "answer"` answers, in the testing dialect."""


class Faulty(Recorder):
    """Notes every call, and fails in one hook. In the TOML it is `use = "faulty"`.

    `raise` is an exception of no known kind, `hang` waits for ever (a sync hook raises
    TimeoutError), `wrong_type` returns nonsense, `refuse` raises Forbidden, `undeclared` changes
    what it has not declared, `cancel` raises CancelledError although nobody has cancelled it. With
    `answer` it does not fail, but answers in the place of the provider. What plugins ask the
    gateway themselves passes.
    """

    @frozen
    class Config:
        """The table of a faulty plugin."""

        hook: HookName = option("", "The hook that fails.")
        kind: FaultKind = option("raise", "How it fails.")

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        """Fail, or let it pass."""
        self.note("pre_request", exchange)
        return cast("Response | None", await self._act("pre_request", _change_model(exchange)))

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Fail, or leave the plan."""
        self.note("route", exchange, plan)
        return cast("Plan | None", await self._act("route", _change_model(exchange)))

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Fail, or go on."""
        self.note("call_provider", exchange, target)
        if not self._fails_in("call_provider"):
            return await call_next(target)
        if self.config.kind == "undeclared":
            return replace(await call_next(target), status=201)
        return cast("Response", await self._act("call_provider", _nothing))

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        """Fail, or leave the chunk."""
        self.note("on_stream_chunk", exchange, chunk)
        if not self._fails_in("on_stream_chunk"):
            return None
        if self.config.kind == "hang":
            raise TimeoutError
        other = chunk.with_data(b'data: {"text":"undeclared"}\n\n')
        return cast("Sequence[Chunk]", self._fail(lambda: (other,)))

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        """Fail, or leave the response."""
        self.note("post_response", exchange, outcome)
        return cast("Response | None", await self._act("post_response", lambda: EARLY_ANSWER))

    def _fails_in(self, hook: str) -> bool:
        return bool(self.config.hook == hook) and not ASKING.get()

    async def _act(self, hook: str, undeclared: Callable[[], Any]) -> Any:
        if not self._fails_in(hook):
            return None
        if self.config.kind == "hang":
            await asyncio.Event().wait()
        return self._fail(undeclared)

    def _fail(self, undeclared: Callable[[], Any]) -> Any:
        match self.config.kind:
            case "raise":
                raise RuntimeError("it was told to fail")
            case "refuse":
                raise Forbidden("It was told to refuse.")
            case "cancel":
                raise asyncio.CancelledError
            case "answer":
                return EARLY_ANSWER
            case "undeclared":
                return undeclared()
        return object()


def _change_model(exchange: Exchange) -> Callable[[], None]:
    return lambda: exchange.set_model("another")


def _nothing() -> None:
    return None
