"""`jackfield serve`: the sockets, the workers, and each worker's gateway and its reloads."""

import asyncio
import faulthandler
import logging
import resource
import ssl
import sys
from collections.abc import Callable, Mapping
from typing import Any

import uvloop
from attrs import asdict, field, frozen

from jackfield._gateway import Gateway
from jackfield._generations import Generations
from jackfield._price_list import provider_entries
from jackfield._server.limits import Limits, raise_file_limit, usable_memory
from jackfield._server.log import log_as, written_aside
from jackfield._server.server import Server
from jackfield._server.sockets import addresses_of, bind_private, bind_workers, close_all, open_to
from jackfield._server.supervisor import Worker, run_workers
from jackfield._server.tls import renew, tls_context
from jackfield._server.worker import ServingOptions, serve_until_signalled, settle_gc
from jackfield.capabilities import shipped
from jackfield.config import Document, read_settings
from jackfield.embedding import read_document
from jackfield.errors import ConfigError
from jackfield.settings import Server as ServerTable

logger = logging.getLogger("jackfield")

LAST_SECONDS = 60.0
"""After this, and the time to drain, a process ends that cannot: with the stack of each thread."""

OnReady = Callable[[Gateway, list[str]], None]

_SOCKETS = ("bind", "admin", "workers", "tls", "socket_mode", "socket_group")
_AT_START = (*_SOCKETS, "drain_seconds", "max_connections", "requests_in_flight")


def log_ready(gateway: Gateway, addresses: list[str]) -> None:
    """Log that the gateway is serving."""
    providers = ", ".join(gateway.providers) or "none"
    logger.info("serving on %s; providers: %s", ", ".join(addresses), providers)


@frozen
class Start:
    """What to serve: a configuration file, or None for none, and what the command line adds.

    `server` has keys of `[server]` as the file would have them, and takes precedence over the file.
    `on_ready` is called in the first worker, with the addresses, as soon as it serves. Workers are
    other processes, so it must be a module-level function.
    """

    path: str | None = None
    server: Mapping[str, Any] = field(factory=dict)
    on_ready: OnReady = log_ready

    def read(self) -> Document:
        """The current configuration. Raises ConfigError."""
        document = read_document(self.path)
        table = document.tree.setdefault("server", {}) if self.server else None
        if isinstance(table, dict):
            table.update(self.server)
        return document


def serve(start: Start) -> int:
    """Serve until told to stop; the exit code. Raises ConfigError before listening."""
    keep_memory_private()
    server = Gateway(start.read()).settings.server
    sockets = bind_workers([str(address) for address in server.listeners], server.workers)
    try:
        open_to(sockets[0], server.socket_mode, server.socket_group)
        if server.workers == 1:
            run_worker(Worker(0, tuple(sockets[0])), start)
            return 0
        log_as(server.log, server.log_level, waits=False)
        # Loaded once for all workers, like the modules that checking the file has imported.
        provider_entries()
        shipped()
        # Memory that the garbage collector never visits stays shared among the workers.
        settle_gc()
        return run_workers(
            server.workers, _run_supervised, (start,), sockets=sockets, grace=server.drain_seconds
        )
    finally:
        close_all([each for group in sockets for each in group])


def keep_memory_private() -> None:
    """Disable core dumps, here and in workers: they would contain keys and prompts."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def enable_crash_reports() -> None:
    """Have a crash write each thread's stack to stderr, without the values of variables."""
    faulthandler.enable(sys.stderr)


def run_worker(worker: Worker, start: Start) -> None:
    """The whole life of one serving process."""
    enable_crash_reports()
    document = start.read()
    server = read_settings(document).server
    with written_aside():
        log_as(server.log, server.log_level)
        uvloop.run(_work(worker, start, document))


def _run_supervised(worker: Worker, start: Start) -> None:
    try:
        run_worker(worker, start)
    except ConfigError as error:
        logger.error("%s", error)
        sys.exit(2)


async def _work(worker: Worker, start: Start, document: Document) -> None:
    generations = Generations(start.read)
    await generations.begin(document)
    settings = generations.current.settings.server
    tls = tls_context(**asdict(settings.tls)) if settings.tls else None
    most = min(settings.max_connections, raise_file_limit() // 2)  # the rest is for providers
    if most < settings.max_connections:
        logger.warning("up to %d connections, half as many as files may be open", most)
    # An eighth of the memory is enough for callers who may have no key; one body always has room.
    bodies = max(settings.max_body, min(Limits().bodies, usable_memory() // 8 // settings.workers))
    limits = Limits(connections=most, requests=settings.requests_in_flight, bodies=bodies)
    server = Server(generations.current.frontend, limits)
    admin = await _serve_admin(generations, worker)
    generations.on_swap(lambda gateway: _take_up(gateway, settings, server, tls))
    watching = asyncio.create_task(generations.watch(start.path)) if start.path else None

    def drain() -> None:
        faulthandler.dump_traceback_later(settings.drain_seconds + LAST_SECONDS, exit=True, file=2)
        generations.drain()

    try:
        await serve_until_signalled(
            server,
            ServingOptions(
                sockets=worker.sockets,
                tls=tls,
                grace=settings.drain_seconds,
                reload=generations.reload,
                draining=drain,
                end_streams=generations.end_exchanges,
                ready=lambda: _report_ready(worker, generations.current, start.on_ready),
                beat=worker.beat,
            ),
        )
    finally:
        if watching is not None:
            watching.cancel()
        if admin is not None:
            await admin.drain(1.0)
        await generations.end()


def _take_up(
    gateway: Gateway, first: ServerTable, server: Server, tls: ssl.SSLContext | None
) -> None:
    """Switch to a new gateway, and report what needs a restart to change from `first`."""
    now = gateway.settings.server
    server.replace_handler(gateway.frontend)
    log_as(now.log, now.log_level)
    if tls is not None and first.tls is not None:
        renew(tls, **asdict(first.tls))
    changed = [f"server.{key}" for key in _AT_START if getattr(now, key) != getattr(first, key)]
    if changed:
        logger.warning("%s: only read at start; restart to change it", ", ".join(changed))


async def _serve_admin(generations: Generations, worker: Worker) -> Server | None:
    """The admin listener, in the first worker only: it answers for the whole gateway."""
    settings = generations.current.settings.server
    address = settings.admin_listener()
    if address is None or worker.index:
        return None
    try:
        sockets = bind_private(str(address))
    except ConfigError as error:
        if settings.admin != "auto":
            raise
        logger.warning("no admin listener: %s", error)
        return None
    server = Server(generations.current.admin_frontend)
    await server.start(sockets)
    generations.on_swap(lambda gateway: server.replace_handler(gateway.admin_frontend))
    return server


def _report_ready(worker: Worker, gateway: Gateway, on_ready: OnReady) -> None:
    if worker.index == 0:
        on_ready(gateway, addresses_of(worker.sockets))
