"""The `on_stream_chunk` chain: each event through each plugin, the final one flushes all."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

from jackfield import sse
from jackfield._hook_call import HookCaller
from jackfield._hook_chain import Hook
from jackfield.dialects import Dialect
from jackfield.errors import GatewayError
from jackfield.exchange import Exchange
from jackfield.response import Chunk


class ChunkChain:
    """The hooks of one exchange's stream, innermost first.

    `ended` is set once the final chunk has gone out; what the provider sends after its own end
    passes untouched. `stopped` says that it was a plugin that ended the stream.
    """

    __slots__ = (
        "_caller",
        "_changing",
        "_dialect",
        "_events",
        "_exchange",
        "_hooks",
        "ended",
        "stopped",
    )

    def __init__(
        self, hooks: Sequence[Hook], caller: HookCaller, exchange: Exchange, *, events: bool
    ) -> None:
        self._hooks = [hook for hook in hooks if not exchange.has_left(hook.plugin)]
        self._events = events
        self._caller = caller
        self._exchange = exchange
        self._dialect: Dialect = exchange.dialect
        self._changing: set[Hook] = set()
        self.ended = False
        self.stopped = False

    def feed(self, events: bytes) -> bytes:
        """A batch of whole events through the chain; what comes out, joined."""
        out: list[bytes] = []
        for event in sse.split(events) if self._events else (events,):
            if self.ended:
                out.append(event)
                continue
            final = self._events and self._dialect.terminal(event) == "end"
            if self._run(Chunk(event, self._dialect, final), out) and not final:
                self.stopped = True
                out.append(self._dialect.stop_marker)
                break
        return b"".join(out)

    def finish(self, *, aborted: bool) -> bytes:
        """The final chunk of a stream that ended without a terminal event of its own."""
        if self.ended:
            return b""
        out: list[bytes] = []
        self._run(Chunk(b"", self._dialect, final=True, aborted=aborted), out)
        return b"".join(out)

    def _run(self, chunk: Chunk, out: list[bytes]) -> bool:
        """Send a chunk through all hooks; whether the final one came out."""
        chunks: Sequence[Chunk] = (chunk,)
        for hook in self._hooks:
            if len(chunks) == 1:
                chunks = self._call(hook, chunks[0])
            else:
                chunks = [after for before in chunks for after in self._call(hook, before)]
        for one in chunks:
            out.append(one.data)
            if one.final:
                self.ended = True
        return self.ended

    def _call(self, hook: Hook, chunk: Chunk) -> Sequence[Chunk]:
        exchange = self._exchange
        exchange.acting = hook
        began = perf_counter()
        try:
            result = hook.call(exchange, chunk)
            if result is None:
                return (chunk,)
            result = _checked(result, chunk)
            if hook not in self._changing:
                exchange._record("response", "stream")
                self._changing.add(hook)
            return result
        except GatewayError:
            raise
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it raises
            self._caller.fail(hook, exchange, f"raised {type(error).__name__}", error)
            return (chunk,)
        finally:
            exchange.acting = None
            exchange.timings[hook.position] += perf_counter() - began


def _checked(result: Sequence[Chunk], chunk: Chunk) -> Sequence[Chunk]:
    if not isinstance(result, list | tuple) or not all(isinstance(one, Chunk) for one in result):
        raise TypeError("on_stream_chunk returns None or a sequence of chunks")
    if chunk.final and not (result and result[-1].final):
        return (*(one for one in result if not one.final), chunk)
    for at, one in enumerate(result):
        if one.final:
            return result[: at + 1]
    return result
