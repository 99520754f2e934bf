"""`jackfield serve`: the sockets, the workers, and in each worker the gateway and its reloads."""

import asyncio
import faulthandler
import logging
import resource
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import uvloop
from attrs import field, frozen

from jackfield._gateway import Gateway
from jackfield._generations import Generations
from jackfield._price_list import shelves
from jackfield._server.limits import Limits
from jackfield._server.server import Server
from jackfield._server.sockets import bind_all, bind_workers, close_all, keep_private
from jackfield._server.supervisor import Worker, run_workers
from jackfield._server.tls import tls_context
from jackfield._server.worker import ServingOptions, serve_until_signalled, settle_gc
from jackfield.address import Address
from jackfield.capabilities import shipped
from jackfield.config import Document, Settings, read_settings
from jackfield.embedding import read_document
from jackfield.errors import ConfigError

logger = logging.getLogger("jackfield")

Greeting = Callable[[Gateway, list[str]], None]


def log_ready(gateway: Gateway, addresses: list[str]) -> None:
    """Say in the log that the gateway serves."""
    providers = ", ".join(gateway.providers) or "none"
    logger.info("serving on %s; providers: %s", ", ".join(addresses), providers)


@frozen
class Start:
    """What to serve: the file, None for none, and what the command line says besides.

    `server` has keys of `[server]` as they would stand in the file, whose own they replace.
    `greet` is called in the first worker, with the addresses, as soon as it serves; workers are
    other processes, so it is a function of a module.
    """

    path: str | None = None
    server: Mapping[str, Any] = field(factory=dict)
    greet: Greeting = log_ready

    def read(self) -> Document:
        """The configuration as it is now. Raises ConfigError."""
        document = read_document(self.path)
        table = document.tree.setdefault("server", {}) if self.server else None
        if isinstance(table, dict):
            table.update(self.server)
        return document


def serve(start: Start) -> int:
    """Serve until told to stop; the exit code. Raises ConfigError before anything listens."""
    keep_memory_private()
    settings = Gateway(start.read()).settings
    server = settings.server
    sockets = bind_workers([str(address) for address in server.listeners], server.workers)
    try:
        if server.workers == 1:
            run_worker(Worker(0, tuple(sockets[0])), start)
            return 0
        configure_logging(settings)
        prepare_forks()
        return run_workers(
            server.workers, _run_supervised, (start,), sockets=sockets, grace=server.drain_seconds
        )
    finally:
        for group in sockets:
            close_all(group)


def keep_memory_private() -> None:
    """No core dumps, here and in workers: they would hold keys and prompts."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def prepare_forks() -> None:
    """Do once what each worker would do, as importing has been done when the file was checked."""
    shelves()
    shipped()
    # What the collector never visits stays in memory that all of them share.
    settle_gc()


def tell_of_crashes() -> None:
    """Have a crash write to stderr where each thread was, without the values of its variables."""
    faulthandler.enable(sys.stderr)


def run_worker(worker: Worker, start: Start) -> None:
    """The whole life of one serving process."""
    tell_of_crashes()
    document = start.read()
    configure_logging(read_settings(document))
    uvloop.run(_work(worker, start, document))


def _run_supervised(worker: Worker, start: Start) -> None:
    try:
        run_worker(worker, start)
    except ConfigError as error:
        logger.error("%s", error)
        sys.exit(2)


async def _work(worker: Worker, start: Start, document: Document) -> None:
    generations = Generations(start.read)
    gateway = await generations.begin(document)
    settings = gateway.settings.server
    tls = settings.tls
    limits = Limits(connections=settings.max_connections, requests=settings.requests_in_flight)
    server = Server(gateway.face, limits)
    admin = await _serve_admin(generations, worker)
    generations.on_swap(lambda gateway: server.replace_handler(gateway.face))
    watching = asyncio.create_task(generations.watch(start.path)) if start.path else None
    try:
        await serve_until_signalled(
            server,
            ServingOptions(
                sockets=worker.sockets,
                tls=tls_context(tls.cert, tls.key) if tls else None,
                grace=settings.drain_seconds,
                reload=generations.reload,
                draining=generations.drain,
                end_streams=generations.end_exchanges,
                ready=lambda: _say_ready(worker, gateway, start.greet),
            ),
        )
    finally:
        if watching is not None:
            watching.cancel()
        if admin is not None:
            await admin.drain(1.0)
        await generations.end()


async def _serve_admin(generations: Generations, worker: Worker) -> Server | None:
    """The admin listener, in the first worker alone: it speaks for the whole configuration."""
    settings = generations.current.settings.server
    address = settings.admin_listener()
    if address is None or worker.index:
        return None
    try:
        if address.path:
            keep_private(address.path)
        sockets = bind_all([str(address)])
    except ConfigError as error:
        if settings.admin != "auto":
            raise
        logger.warning("no admin listener: %s", error)
        return None
    server = Server(generations.current.admin_face)
    await server.start(sockets)
    generations.on_swap(lambda gateway: server.replace_handler(gateway.admin_face))
    return server


def configure_logging(settings: Settings) -> None:
    """Log to stderr; the access log writes its own lines there."""
    logging.basicConfig(
        level=settings.server.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        force=True,
    )


def _say_ready(worker: Worker, gateway: Gateway, greet: Greeting) -> None:
    worker.ready()
    if worker.index == 0:
        greet(gateway, addresses_of(worker.sockets))


def addresses_of(sockets: Iterable[socket.socket]) -> list[str]:
    """Where they listen, with the port that the system chose where it was asked to."""
    names = (each.getsockname() for each in sockets)
    return [
        str(Address(path=name) if isinstance(name, str) else Address(name[0], name[1]))
        for name in names
    ]
