"""The `on_stream_chunk` chain: each event through each plugin, the final one flushes all."""

import asyncio
from collections.abc import Sequence
from time import perf_counter

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
        "_calls",
        "_changing",
        "_dialect",
        "_events",
        "_exchange",
        "ended",
        "stopped",
    )

    def __init__(
        self, hooks: Sequence[Hook], caller: HookCaller, exchange: Exchange, *, events: bool
    ) -> None:
        staying = [hook for hook in hooks if not exchange.has_left(hook.plugin)]
        self._calls = [(hook, hook.call, hook.position) for hook in staying]
        self._events = events
        self._caller = caller
        self._exchange = exchange
        self._dialect: Dialect = exchange.dialect
        self._changing: set[Hook] = set()
        self.ended = False
        self.stopped = False

    def feed(self, events: bytes, *, ends: bool = True) -> bytes:
        """A batch of whole events through the chain; what comes out, joined.

        It `ends` unless it is known that none of them ends the stream.
        """
        out: list[bytes] = []
        for event in self._dialect.framing.split(events) if self._events else (events,):
            if self.ended:
                out.append(event)
                continue
            final = ends and self._events and self._dialect.terminal(event) == "end"
            if self._run(Chunk(event, self._dialect, final), out) and not final:
                self.stopped = True
                out.append(self._dialect.stop_marker)
                break
        return out[0] if len(out) == 1 else b"".join(out)

    def finish(self, *, aborted: bool) -> bytes:
        """The final chunk of a stream that ended without a terminal event of its own."""
        if self.ended:
            return b""
        out: list[bytes] = []
        self._run(Chunk(b"", self._dialect, final=True, aborted=aborted), out)
        return b"".join(out)

    def _run(self, chunk: Chunk, out: list[bytes]) -> bool:
        """Send a chunk through all hooks; whether the final one came out."""
        exchange = self._exchange
        timings, began = exchange.timings, perf_counter()
        chunks: Sequence[Chunk] | None = None
        try:
            for hook, call, position in self._calls:
                exchange.acting = hook
                if chunks is not None:
                    chunks = [one for before in chunks for one in self._each(hook, before)]
                else:
                    try:
                        result = call(exchange, chunk)
                        if result is not None:
                            chunks = self._checked(hook, result, chunk)
                    except GatewayError:
                        raise
                    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
                        self._fail(hook, error)
                now = perf_counter()
                timings[position] += now - began
                began = now
        finally:
            exchange.acting = None
        for one in (chunk,) if chunks is None else chunks:
            out.append(one.data)
            if one.final:
                self.ended = True
        return self.ended

    def _each(self, hook: Hook, chunk: Chunk) -> Sequence[Chunk]:
        """What a hook makes of one of several chunks."""
        try:
            result = hook.call(self._exchange, chunk)
            return (chunk,) if result is None else self._checked(hook, result, chunk)
        except GatewayError:
            raise
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it raises
            self._fail(hook, error)
            return (chunk,)

    def _fail(self, hook: Hook, error: BaseException) -> None:
        self._caller.fail(hook, self._exchange, f"raised {type(error).__name__}", error)

    def _checked(self, hook: Hook, result: Sequence[Chunk], chunk: Chunk) -> Sequence[Chunk]:
        checked = _checked(result, chunk)
        if hook not in self._changing:
            self._exchange._record("response", "stream")
            self._changing.add(hook)
        return checked


def _checked(result: Sequence[Chunk], chunk: Chunk) -> Sequence[Chunk]:
    if not isinstance(result, list | tuple) or not all(isinstance(one, Chunk) for one in result):
        raise TypeError("on_stream_chunk returns None or a sequence of chunks")
    if chunk.final and not (result and result[-1].final):
        return (*(one for one in result if not one.final), chunk)
    for at, one in enumerate(result):
        if one.final:
            return result[: at + 1]
    return result
