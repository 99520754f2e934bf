"""A plugin that changes nothing and notes every call of its hooks."""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

from attrs import define, field

from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, hookimpl
from jackfield.response import Chunk, Outcome, Response

_order = count(1)


@define(eq=False)
class HookCall:
    """One call of a hook. `order` increases with time across all recorders.

    `given` is what the hook got besides the exchange: a plan, a target, a chunk, an outcome.
    """

    plugin: str
    hook: str
    exchange: Exchange
    given: Any = None
    order: int = field(factory=lambda: next(_order))

    def __str__(self) -> str:
        return f"{self.plugin}.{self.hook}"


class Recorder(Plugin):
    """Implements every hook and lets everything pass. In the TOML it is `use = "recorder"`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.calls: list[HookCall] = []

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        """Note the request."""
        self.note("pre_request", exchange)
        return None

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Note the plan."""
        self.note("route", exchange, plan)
        return None

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        """Note the attempt."""
        self.note("call_provider", exchange, target)
        return await call_next(target)

    @hookimpl
    def on_stream_chunk(self, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        """Note the chunk."""
        self.note("on_stream_chunk", exchange, chunk)
        return None

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> Response | None:
        """Note the outcome."""
        self.note("post_response", exchange, outcome)
        return None

    def of(self, hook: str) -> list[HookCall]:
        """The calls of one hook."""
        return [call for call in self.calls if call.hook == hook]

    def note(self, hook: str, exchange: Exchange, given: Any = None) -> None:
        """Note a call."""
        self.calls.append(HookCall(self.name, hook, exchange, given))


def in_order(recorders: Iterable[Recorder]) -> list[HookCall]:
    """The calls of several recorders, in chronological order."""
    return sorted((call for one in recorders for call in one.calls), key=lambda call: call.order)
