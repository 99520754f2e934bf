"""The life of one serving process: it starts, and reloads and drains on signals."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from ssl import SSLContext

from attrs import define

from jackfield._server.server import Server

logger = logging.getLogger("jackfield.server")

_GC_THRESHOLDS = (50_000, 50, 50)
_NOTICE_SECONDS = 1.0
_BEAT_SECONDS = 1.0


@define(kw_only=True)
class ServingOptions:
    """How one process serves.

    `grace` is how many seconds draining may take. Up to one of these seconds, and at most a quarter
    of them, passes after SIGTERM before new connections are refused, so that load balancers can
    notice and clients learn that their connections end; if nobody would, it is skipped. `beat` is
    called when serving starts, and every second from then on while the event loop runs.
    """

    sockets: Iterable[socket.socket]
    tls: SSLContext | None = None
    grace: float = 30.0
    reload: Callable[[], Awaitable[None]] | None = None
    draining: Callable[[], None] = lambda: None
    end_streams: Callable[[], Awaitable[None]] | None = None
    ready: Callable[[], None] = lambda: None
    beat: Callable[[], None] = lambda: None


async def serve_until_signalled(server: Server, options: ServingOptions) -> None:
    """Serve until SIGTERM or SIGINT, then drain; SIGHUP reloads, one reload at a time."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    hurry = asyncio.Event()
    reload = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def interrupted() -> None:
        stop.set()
        hurry.set()

    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    await server.start(options.sockets, tls=options.tls)
    settle_gc()
    _beat(loop, options.beat)
    options.ready()
    reloading = asyncio.create_task(_reload_on(reload, options.reload))
    try:
        await stop.wait()
    finally:
        reloading.cancel()
        logger.info("stopping; requests in progress have up to %g s", options.grace)
        notice = min(_NOTICE_SECONDS, options.grace / 4) if server.watched else 0.0
        options.draining()
        server.announce_end()
        with suppress(TimeoutError):
            async with asyncio.timeout(notice):
                await hurry.wait()
        await server.drain(options.grace - notice, options.end_streams)


def settle_gc() -> None:
    """Exclude everything that exists now from garbage collection, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _beat(loop: asyncio.AbstractEventLoop, beat: Callable[[], None]) -> None:
    beat()
    loop.call_later(_BEAT_SECONDS, _beat, loop, beat)


async def _reload_on(
    signalled: asyncio.Event, reload: Callable[[], Awaitable[None]] | None
) -> None:
    while True:
        await signalled.wait()
        signalled.clear()
        if reload is not None:
            try:
                await reload()
            except Exception:
                logger.exception("reloading failed: serving goes on as before")
