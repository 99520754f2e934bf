"""A plugin that changes nothing and notes every call of its hooks."""

from collections.abc import Iterable
from itertools import count
from typing import Any

from attrs import frozen

from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, hookimpl
from jackfield.response import Chunk, Outcome, Response

_order = count(1)


@frozen
class HookCall:
    """One call of a hook. `order` grows with time over all recorders.

    `detail` is what the hook was given beside the exchange: a plan, a target, a chunk, an outcome.
    """

    order: int
    plugin: str
    hook: str
    exchange: Exchange
    detail: Any = None

    def __str__(self) -> str:
        return f"{self.plugin}.{self.hook}"


class Recorder(Plugin):
    """Implements every hook and lets everything pass. In the TOML it is `use = "recorder"`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.calls: list[HookCall] = []

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Note the request."""
        self._note("pre_request", exchange)

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> None:
        """Note the plan."""
        self._note("route", exchange, plan)

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Note the attempt."""
        self._note("call_provider", exchange, target)
        return await call_next(target)

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> None:
        """Note the chunk."""
        self._note("on_stream_chunk", exchange, chunk)

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Note the outcome."""
        self._note("post_response", exchange, outcome)

    def of(self, hook: str) -> list[HookCall]:
        """The calls of one hook."""
        return [call for call in self.calls if call.hook == hook]

    def _note(self, hook: str, exchange: Exchange, detail: Any = None) -> None:
        self.calls.append(HookCall(next(_order), self.name, hook, exchange, detail))


def in_order(recorders: Iterable[Recorder]) -> list[HookCall]:
    """The calls of several recorders, in the order in which they came."""
    return sorted((call for one in recorders for call in one.calls), key=lambda call: call.order)
