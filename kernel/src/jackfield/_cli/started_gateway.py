"""A gateway that is started for a single command and listens nowhere."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import uvloop

from jackfield._gateway import Gateway
from jackfield.admin.dry_run import DRY_RUN, DryRun
from jackfield.embedding import read_document

T = TypeVar("T")


def with_gateway(path: str | None, use: Callable[[Gateway], Awaitable[T]]) -> T:
    """Start the gateway of a configuration, use it and stop it. Raises ConfigError.

    The items that the configuration declares appear as if applied, but nothing is stored.
    """

    # The command shows plugins' failures itself; only the kernel's errors need the log.
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s %(message)s")

    async def run() -> T:
        DRY_RUN.set(DryRun())
        async with Gateway(read_document(path)) as gateway:
            return await use(gateway)

    return uvloop.run(run())
