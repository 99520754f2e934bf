"""The body of a streamed answer: runs chunk hooks, reports errors as events, settles at the end."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

from jackfield._chunks import ChunkChain
from jackfield._mistakes import mistake
from jackfield._tap import NO_TAP
from jackfield.errors import ClientGone, GatewayError, ShuttingDown
from jackfield.exchange import Exchange
from jackfield.response import Outcome, OutcomeKind, Response

if TYPE_CHECKING:
    from jackfield._pipeline import Pipeline


class StreamBody:
    """Yields batches of whole events. However it ends, the exchange is settled exactly once.

    A source that fails ends in an error event of the client's dialect; only if the source ends
    cleanly does the body end cleanly.
    """

    def __init__(self, pipeline: "Pipeline", exchange: Exchange, response: Response) -> None:
        self._pipeline = pipeline
        self._exchange = exchange
        self._response = response
        self._source: Any = response.body
        self._events = exchange.dialect.framing.frames(response.content_type)
        self._chunks: ChunkChain | None = None
        if hooks := pipeline.chain.on_stream_chunk:
            self._chunks = ChunkChain(hooks, pipeline.caller, exchange, events=self._events)
            # Whoever reads the stream, plugins find the context variables that they set before.
            self._context = copy_context()
        self._error: GatewayError | None = None
        self._over = False
        self._settled = False
        self._settling: asyncio.Task[Outcome] | None = None
        self._sink: Callable[[bytes], bool] | None = None
        self._left: bytes | GatewayError = b""
        exchange.sent = True

    def divert(self, sink: Callable[[bytes], bool]) -> None:
        """Give each batch to `sink` in the call that received it from the provider, if possible.

        What has already arrived is given to it at once. Iteration continues and yields whatever
        must be waited for: the end, which is never diverted, errors, and b"" once `sink` has
        returned False, which asks for a pause.
        """
        if hasattr(self._source, "divert"):
            self._sink = sink
            if self._chunks is not None:
                sink = partial(self._context.run, self._push, self._chunks, sink)  # type: ignore[call-arg]
            self._source.divert(sink)

    def __aiter__(self) -> "StreamBody":
        return self

    async def __anext__(self) -> bytes:
        exchange, chunks = self._exchange, self._chunks
        while not self._over:
            error, data = exchange.ending, b""
            if error is None:
                exchange.task = task = asyncio.current_task(self._pipeline.loop)
                try:
                    data = await self._next()
                    if not data and self._sink is not None:
                        return await self._called()
                    if chunks is not None:
                        data = await self._changed(chunks, data)
                except StopAsyncIteration:
                    self._over = True
                    data, error = self._flushed(aborted=False)
                except BaseException as raised:
                    error = self._reason(raised, task)
                    if error is None:
                        await self.aclose()
                        raise
                finally:
                    exchange.task = None
            if error is not None:
                data = await self._break_off(error)
            if data:
                return data
        await self._settle()
        raise StopAsyncIteration

    def _push(self, chunks: ChunkChain, sink: Callable[[bytes], bool], data: bytes) -> bool:
        """Send a batch on through the plugins; whether the reader may go on waiting."""
        try:
            data = chunks.feed(data, ends=False)
        except GatewayError as error:
            self._left = error
            return False
        if chunks.stopped:
            self._left = data
            return False
        return not data or sink(data)

    async def _called(self) -> bytes:
        """What a push left for the reader; b"" if the sink wants a pause."""
        left, self._left = self._left, b""
        if isinstance(left, GatewayError):
            raise left
        if self._chunks is not None and self._chunks.stopped:
            await self._close_source()
        return left

    async def aclose(self) -> None:
        """Stop early because the client is gone. Settles the exchange."""
        try:
            if not self._over:
                self._exchange.abort()
                self._error = self._exchange.ending
                await self._close_source()
        finally:
            await self._settle()

    def _reason(
        self, raised: BaseException, task: "asyncio.Task[Any] | None"
    ) -> GatewayError | None:
        """Why the stream breaks off; None if the task that reads it is cancelled by others."""
        if isinstance(raised, GatewayError):
            return raised
        if isinstance(raised, Exception | SystemExit):  # a plugin's own stream may raise anything
            return mistake(self._exchange.id, raised)
        ending = self._exchange.ending
        if ending is not None and task is not None and isinstance(raised, asyncio.CancelledError):
            task.uncancel()
            return ending
        return None

    async def _next(self) -> bytes:
        data: object = await self._source.__anext__()
        if isinstance(data, bytes):
            return data
        wrong = TypeError(f"a stream yields bytes, not {type(data).__name__}")
        if hasattr(self._source, "athrow"):  # raised in the generator, whose line the log names
            await self._source.athrow(wrong)
        raise wrong

    async def _changed(self, chunks: ChunkChain, data: bytes) -> bytes:
        """What the plugins make of a batch; one of them may end the stream."""
        data = self._context.run(chunks.feed, data)
        if chunks.stopped:
            await self._close_source()
        return data

    def _flushed(self, *, aborted: bool) -> tuple[bytes, GatewayError | None]:
        """What the plugins still hold back, or the error of one that refuses."""
        if self._chunks is None:
            return b"", None
        try:
            return self._context.run(partial(self._chunks.finish, aborted=aborted)), None
        except GatewayError as error:
            return b"", error

    async def _break_off(self, error: GatewayError) -> bytes:
        """Flush what plugins hold back, then report the error."""
        self._error = error
        await self._close_source()
        if isinstance(error, ClientGone):
            return b""
        held, second = self._flushed(aborted=True)
        self._error = error = second or error
        if self._events:
            dialect, request_id = self._exchange.dialect, self._exchange.id
            try:
                event = getattr(error, "event", None)
                return held + (event or dialect.render_error_event(error, request_id))
            except Exception as fault:  # noqa: BLE001 - a plugin's dialect may raise anything
                mistake(request_id, fault, type(dialect).__module__)
        await self._settle()
        raise BrokenBody from error

    async def _close_source(self) -> None:
        self._over = True
        fault = await close_all(self._exchange, self._response)
        self._error = self._error or fault

    async def _settle(self) -> None:
        """Settle in a separate task, which outlives the caller; only once, whoever calls."""
        if self._settled:
            return
        if self._settling is None:
            pipeline, exchange, error = self._pipeline, self._exchange, self._error
            kind: OutcomeKind = "answered" if error is None else "truncated"
            outcome = outcome_of(exchange, self._response, kind, error)
            if not (pipeline.chain.post_response or exchange.answers):  # nothing to wait for
                self._settled = True
                pipeline.settled(exchange, outcome)
                return
            self._settling = asyncio.create_task(pipeline.settle(exchange, outcome))
            exchange.runner = self._settling
        await asyncio.shield(self._settling)


def outcome_of(
    exchange: Exchange, response: Response, kind: OutcomeKind, error: GatewayError | None = None
) -> Outcome:
    """The outcome of an exchange, with its usage; `kind` unless the error has one of its own."""
    tap = exchange.tap or NO_TAP
    usage = tap.usage()
    complete = usage is not None and tap.is_complete()
    if isinstance(error, ClientGone):
        kind = "client_gone"
    elif isinstance(error, ShuttingDown):
        kind = "shutdown"
    return Outcome(kind, response.status, response, error, usage, complete, tap.seen())


async def close_all(exchange: Exchange, *answers: Response) -> GatewayError | None:
    """Close answers and those that plugins were given for this exchange; what went wrong.

    A plugin that was cancelled, or whose own stream has never been read, has closed none of them.
    """
    fault: GatewayError | None = None
    for answer in (*answers, *exchange.answers):
        try:
            await answer.close()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin's own may raise anything
            fault = fault or mistake(exchange.id, error)
    return fault


class BrokenBody(ConnectionError):
    """A body that is no event stream cannot report that it was cut: drop the connection."""
