"""The `on_stream_chunk` chain: passes each event through each plugin; the final chunk flushes."""

import asyncio
from collections.abc import Iterator, Sequence
from time import perf_counter

from jackfield._hook_call import HookCaller
from jackfield._hook_chain import Hook
from jackfield._mistakes import WrongResultError
from jackfield.dialects import Dialect
from jackfield.errors import GatewayError
from jackfield.exchange import Exchange
from jackfield.response import Chunk


class ChunkChain:
    """The chunk hooks of one exchange's stream, innermost first.

    `ended` is set once the final chunk has gone out; anything the provider sends after that passes
    through unchanged. `stopped` says that a plugin ended the stream.
    """

    def __init__(
        self, hooks: Sequence[Hook], caller: HookCaller, exchange: Exchange, *, events: bool
    ) -> None:
        if exchange.left:
            hooks = [hook for hook in hooks if hook.plugin not in exchange.left]
        self._hooks = hooks
        self._caller = caller
        self._exchange = exchange
        self._dialect: Dialect = exchange.dialect
        self._split = exchange.dialect.framing.split if events else None
        self._changing: set[Hook] = set()
        self.ended = False
        self.stopped = False

    def feed(self, events: bytes, *, ends: bool = True) -> bytes:
        """Pass a batch of whole events through the chain; the resulting bytes.

        `ends` is false only if it is known that none of the events ends the stream.
        """
        split = self._split
        single = (events,) if split is None else split(events)
        if len(single) == 1 and not ends:
            return self._run(Chunk(events, self._dialect))
        out: list[bytes] = []
        for event in single:
            if self.ended:
                out.append(event)
            else:
                final = ends and split is not None and self._dialect.terminal(event) == "end"
                out.append(self._run(Chunk(event, self._dialect, final)))
                if final:
                    self.ended = True
            if self.stopped:
                break
        return b"".join(out)

    def finish(self, *, aborted: bool) -> bytes:
        """Flush the hooks of a stream that ended without a terminal event of its own."""
        if self.ended:
            return b""
        data = self._run(Chunk(b"", self._dialect, final=True, aborted=aborted))
        self.ended = True
        return data

    def _run(self, chunk: Chunk) -> bytes:
        """Pass a chunk through all hooks; the resulting bytes."""
        exchange = self._exchange
        timings, hooks, began = exchange.timings, iter(self._hooks), perf_counter()
        try:
            for hook in hooks:
                exchange.acting, call = hook, hook.call
                try:
                    result = call(exchange, chunk)
                    if result is not None:
                        result = self._checked(hook, result, chunk)
                except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001
                    result = None
                    self._failed(hook, error)
                now = perf_counter()
                timings[hook.position] += now - began
                began = now
                if result is not None:
                    return self._joined(self._spread(result, hooks, began), chunk)
        finally:
            exchange.acting = None
        return chunk.data

    def _spread(
        self, chunks: Sequence[Chunk], hooks: Iterator[Hook], began: float
    ) -> Sequence[Chunk]:
        """Pass what a hook made of a chunk through the remaining hooks."""
        exchange = self._exchange
        for hook in hooks:
            exchange.acting = hook
            chunks = [one for before in chunks for one in self._each(hook, before)]
            now = perf_counter()
            exchange.timings[hook.position] += now - began
            began = now
        return chunks

    def _joined(self, chunks: Sequence[Chunk], whole: Chunk) -> bytes:
        """The chunks as bytes, followed by an end event if a plugin ended the stream."""
        data = b"".join([one.data for one in chunks])
        if not whole.final and any(one.final for one in chunks):
            self.ended = self.stopped = True
            return data + self._dialect.stop_marker
        return data

    def _each(self, hook: Hook, chunk: Chunk) -> Sequence[Chunk]:
        """Call a hook on one of several chunks."""
        try:
            result = hook.call(self._exchange, chunk)
            return (chunk,) if result is None else self._checked(hook, result, chunk)
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001
            self._failed(hook, error)
            return (chunk,)

    def _failed(self, hook: Hook, error: BaseException) -> None:
        """Skip what a hook raised; raises its own refusal, or PluginFailure."""
        if isinstance(error, GatewayError):
            raise error
        self._caller.fail(hook, self._exchange, f"raised {type(error).__name__}", error)

    def _checked(self, hook: Hook, result: Sequence[Chunk], chunk: Chunk) -> Sequence[Chunk]:
        checked = _checked(result, chunk)
        if hook not in self._changing:
            self._exchange._record("response", "stream")
            self._changing.add(hook)
        return checked


def _checked(result: Sequence[Chunk], chunk: Chunk) -> Sequence[Chunk]:
    if not isinstance(result, list | tuple) or not all(isinstance(one, Chunk) for one in result):
        raise WrongResultError("on_stream_chunk returns None, or a list or tuple of Chunk")
    if chunk.final and not (result and result[-1].final):
        return (*(one for one in result if not one.final), chunk)
    for at, one in enumerate(result):
        if one.final:
            return result[: at + 1]
    return result
