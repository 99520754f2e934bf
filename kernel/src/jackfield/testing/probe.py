"""Sits between the kernel and a plugin under test: records its calls, and can make it fail."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Sequence
from types import coroutine, new_class
from typing import Any, cast

from attrs import define, field

from jackfield._hook_chain import hooks_of
from jackfield.exchange import Exchange
from jackfield.plan import Plan, Target
from jackfield.plugin import CallNext, Plugin, hookimpl
from jackfield.response import Chunk, Outcome, Response

from .faulty import FaultKind
from .recorder import HookCall


@define(eq=False)
class NextCall:
    """One call of `call_next`, and its result. The response is kept so that it is not lost."""

    target: Target
    response: Response | None = None
    error: BaseException | None = None


@define(eq=False)
class ProbedCall(HookCall):
    """One call of a hook of the plugin under test.

    `result` and `error` are how it ended, `nexts` the calls of `call_next` within it, and `direct`
    the attributes of the exchange that it has set without a method.
    """

    result: Any = None
    error: BaseException | None = None
    next_calls: list[NextCall] = field(factory=list)
    direct: tuple[str, ...] = ()
    cancelled: bool = False


@define(eq=False)
class Probe:
    """What a plugin under test did. `fault` makes it fail: (hook, kind)."""

    calls: list[ProbedCall] = field(factory=list)
    fault: tuple[str, FaultKind] | None = None
    cancelled_hook: str | None = None
    faults_done: int = 0

    def of(self, hook: str) -> list[ProbedCall]:
        """The calls of one hook."""
        return [call for call in self.calls if call.hook == hook]

    def begin(self, plugin: Plugin, hook: str, exchange: Exchange, given: Any) -> ProbedCall:
        """Note that a hook begins."""
        call = ProbedCall(plugin.name, hook, exchange, given)
        self.calls.append(call)
        return call

    def fails_now(self, hook: str) -> FaultKind | None:
        """How this hook has to fail, if it has to."""
        if self.fault is None or self.fault[0] != hook:
            return None
        self.faults_done += 1
        return self.fault[1]

    async def run(self, call: ProbedCall, hook: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run an async hook under observation."""
        before = _facts(call.exchange)
        try:
            kind = self.fails_now(call.hook)
            if kind == "hang":
                await asyncio.Event().wait()
            elif kind is not None:
                call.result = _fail(kind)
            elif self.cancelled_hook == call.hook:
                call.result = await cancelled_at_its_first_wait(hook(), call)
            else:
                call.result = await hook()
            return call.result
        except BaseException as error:
            call.error = error
            raise
        finally:
            call.direct = _changed_directly(call, before)

    def run_sync(self, call: ProbedCall, hook: Callable[[], Any]) -> Any:
        """Run a sync hook under observation."""
        before = _facts(call.exchange)
        try:
            kind = self.fails_now(call.hook)
            call.result = hook() if kind is None else _fail(kind)
            return call.result
        except BaseException as error:
            call.error = error
            raise
        finally:
            call.direct = _changed_directly(call, before)


def probed(kind: type[Plugin], probe: Probe) -> type[Plugin]:
    """A subclass that does the same under observation by `probe`."""
    hooks = {name: _WRAPPERS[name](getattr(kind, name), probe) for name in hooks_of(kind)}
    made = new_class(kind.__name__, (kind,), exec_body=lambda names: names.update(hooks))
    made.__module__, made.__qualname__ = kind.__module__, kind.__qualname__
    return cast("type[Plugin]", made)


@coroutine
def cancelled_at_its_first_wait(
    running: Coroutine[Any, Any, Any], call: ProbedCall | None = None
) -> Generator[Any, Any, Any]:
    """Cancel a coroutine where it first waits, and let it clean up as long as it needs."""
    try:
        running.send(None)
    except StopIteration as done:
        return done.value
    if call is not None:
        call.cancelled = True
    try:
        waiting = running.throw(asyncio.CancelledError())
        while True:
            yield waiting
            waiting = running.send(None)
    except StopIteration as done:
        return done.value


def _pre_request(real: Any, probe: Probe) -> Any:
    @hookimpl
    async def pre_request(self: Plugin, exchange: Exchange) -> Any:
        call = probe.begin(self, "pre_request", exchange, None)
        return await probe.run(call, lambda: real(self, exchange))

    return pre_request


def _route(real: Any, probe: Probe) -> Any:
    @hookimpl
    async def route(self: Plugin, exchange: Exchange, plan: Plan) -> Any:
        call = probe.begin(self, "route", exchange, plan)
        return await probe.run(call, lambda: real(self, exchange, plan))

    return route


def _call_provider(real: Any, probe: Probe) -> Any:
    @hookimpl
    async def call_provider(
        self: Plugin, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Any:
        call = probe.begin(self, "call_provider", exchange, target)

        async def watched(target: Target) -> Response:
            made = NextCall(target)
            call.next_calls.append(made)
            try:
                made.response = await call_next(target)
            except BaseException as error:
                made.error = error
                raise
            return made.response

        return await probe.run(call, lambda: real(self, exchange, target, watched))

    return call_provider


def _on_stream_chunk(real: Any, probe: Probe) -> Any:
    @hookimpl
    def on_stream_chunk(self: Plugin, exchange: Exchange, chunk: Chunk) -> Sequence[Chunk] | None:
        call = probe.begin(self, "on_stream_chunk", exchange, chunk)
        result = probe.run_sync(call, lambda: real(self, exchange, chunk))
        return cast("Sequence[Chunk] | None", result)

    return on_stream_chunk


def _post_response(real: Any, probe: Probe) -> Any:
    @hookimpl
    async def post_response(self: Plugin, exchange: Exchange, outcome: Outcome) -> Any:
        call = probe.begin(self, "post_response", exchange, outcome)
        return await probe.run(call, lambda: real(self, exchange, outcome))

    return post_response


_WRAPPERS: dict[str, Callable[[Any, Probe], Any]] = {
    "pre_request": _pre_request,
    "route": _route,
    "call_provider": _call_provider,
    "on_stream_chunk": _on_stream_chunk,
    "post_response": _post_response,
}

_ATTRIBUTES = (
    "request",
    "model",
    "stream",
    "max_tokens",
    "principal",
    "plan",
    "endpoint",
    "entered",
    "provider_headers",
)


def _facts(exchange: Exchange) -> tuple[Any, ...]:
    return (*(getattr(exchange, name) for name in _ATTRIBUTES), len(exchange.changes))


def _changed_directly(call: ProbedCall, before: tuple[Any, ...]) -> tuple[str, ...]:
    """What a hook has set without a method that records it; others run inside `call_provider`."""
    after = _facts(call.exchange)
    if call.hook == "call_provider" or before[-1] != after[-1]:
        return ()
    pairs = zip(_ATTRIBUTES, before[:-1], after[:-1], strict=True)
    return tuple(name for name, old, new in pairs if old is not new and old != new)


def _fail(kind: FaultKind) -> object:
    if kind == "raise":
        raise RuntimeError("a fault of the conformance kit")
    return object()
