"""Runs the gateway inside another program."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

from jackfield._server.handler import Handler
from jackfield.config import Document, load, zero_configuration

Opening = Callable[[], AbstractAsyncContextManager[Handler]]
Config = str | os.PathLike[str] | None


def read_document(config: Config) -> Document:
    """The configuration file at `config`; if it is None, that of a start without a file.

    Raises ConfigError.
    """
    if config is None:
        from jackfield._entry_points import declared  # noqa: PLC0415
        from jackfield._loader import GROUP, all_front_doors, well_known_keys  # noqa: PLC0415

        demo = any(point.name == "demo" for point in declared(GROUP))
        return zero_configuration(well_known_keys(), os.environ, all_front_doors(), demo=demo)
    return load(os.fspath(config))


@asynccontextmanager
async def open_gateway(
    config: Config = None, *, host_authenticates: bool = False
) -> AsyncIterator[Handler]:
    """Start the gateway of a configuration file; it stops at the end of the `async with`.

    Without a plugin that authenticates, it serves only requests to loopback addresses, unless
    `host_authenticates` says that the surrounding program knows who may call. Raises ConfigError.
    """
    from jackfield._gateway import Gateway  # noqa: PLC0415 - reading a document needs none

    gateway = Gateway(read_document(config), host_authenticates=host_authenticates)
    async with gateway:
        yield gateway.frontend


def opening(source: Config | Opening) -> Opening:
    """What opens a gateway: the caller's own function, or `open_gateway` for a file."""
    return source if callable(source) else partial(open_gateway, source)
