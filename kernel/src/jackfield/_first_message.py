"""Sessions whose first message names the model: accepted first, authorized and routed with it.

The exchange runs twice: for the handshake, up to the authorization of the caller, and once the
message has come, with all hooks. It is settled once.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from attrs import define, field

from jackfield._mistakes import mistake
from jackfield._session_models import read_message
from jackfield._websocket import BrokenProtocol
from jackfield._websocket.frames import CLOSE
from jackfield.errors import ClientGone, GatewayError, InvalidRequest
from jackfield.exchange import Exchange
from jackfield.http import HttpResponse
from jackfield.realtime import NoFirstMessage, RealtimeExchange
from jackfield.response import Outcome, Response

Run = Callable[[Exchange], Awaitable[HttpResponse]]


def blocked(exchange: Exchange, problem: GatewayError, run: Run) -> Response:
    """An accepted session if nothing but its first message is missing.

    Raises the exchange's problem if it is another one.
    """
    waits = isinstance(problem, NoFirstMessage)
    if not waits or not isinstance(exchange, RealtimeExchange) or exchange.accepted:
        raise problem
    exchange.accepted = True
    return exchange.accepted_with(Opening(exchange, run))


def opening_of(response: Response) -> "Opening | None":
    """An accepted session, which settles its exchange by itself; None for any other answer."""
    return response.body if isinstance(response.body, Opening) else None


def closing_answer(exchange: Exchange, outcome: Outcome, response: HttpResponse) -> HttpResponse:
    """The answer to an exchange that failed: messages if its WebSocket is already open."""
    if not isinstance(exchange, RealtimeExchange) or not exchange.accepted:
        return response
    dialect, error, body = exchange.protocol, outcome.error, exchange.dialect.stop_marker
    if error is not None and not isinstance(error, ClientGone):
        body = dialect.render_refusal(error, exchange.id)
    return HttpResponse(101, response.headers, body)


@define(eq=False)
class Opening:
    """The messages of an accepted session, which are those of its provider once it has one.

    Whatever comes of it, the exchange is settled, in a task that no reader can cancel.
    """

    _exchange: RealtimeExchange
    _run: Run
    _answering: asyncio.Task[Any] | None = field(default=None, init=False)

    def __aiter__(self) -> "Opening":
        return self

    async def __anext__(self) -> bytes:
        return bytes(await anext(await self._answered()))

    async def aclose(self) -> None:
        """Stop because the client is gone, and wait until the exchange is settled."""
        if self._answering is None or not self._answering.done():
            self._exchange.abort()
        await (await self._answered()).aclose()

    async def _answered(self) -> Any:
        if self._answering is None:
            self._answering = asyncio.create_task(self._answer())
        return await asyncio.shield(self._answering)

    async def _answer(self) -> Any:
        """The messages, an iterator with `aclose`."""
        exchange = self._exchange
        if exchange.ending is None:
            await self._begin()
        answer = await self._run(exchange)
        body: Any = _once(answer.body) if isinstance(answer.body, bytes) else answer.body
        if answer.status == 101:
            return body
        await body.aclose()
        refusal = GatewayError("A plugin answered by itself, which a session cannot pass on.")
        return _once(exchange.protocol.render_refusal(refusal, exchange.id))

    async def _begin(self) -> None:
        """Wait for the first message; without one, the exchange ends or has a problem."""
        exchange = self._exchange
        exchange.task = task = asyncio.current_task()
        try:
            async with asyncio.timeout(exchange.protocol.first_message):
                message = await exchange.client.first()
                if message.opcode == CLOSE:
                    exchange.abort()
                else:
                    exchange.begin(message, await read_message(message.data))
        except TimeoutError:
            pass  # that none has come is the problem that the exchange has already
        except BrokenProtocol as error:
            exchange.problem = InvalidRequest(error.why)
            exchange.problem.__cause__ = error
        except GatewayError as error:
            exchange.problem = error.without_traceback()
        except Exception as error:  # noqa: BLE001 - a plugin's dialect may raise anything
            exchange.problem = mistake(exchange.id, error)
        except asyncio.CancelledError:
            if exchange.ending is None or task is None:
                raise
            task.uncancel()


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data
