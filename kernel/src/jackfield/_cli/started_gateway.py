"""A gateway that is started for the time of one command and listens nowhere."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

import uvloop

from jackfield._gateway import Gateway
from jackfield.embedding import read_document

T = TypeVar("T")


def with_gateway(path: str | None, use: Callable[[Gateway], Awaitable[T]]) -> T:
    """Start the gateway of a configuration, use it, and stop it. Raises ConfigError."""

    # What plugins do wrong is in what the command shows; what the gateway does wrong is not.
    logging.basicConfig(level=logging.ERROR, format="%(levelname)s %(name)s %(message)s")

    async def run() -> T:
        async with Gateway(read_document(path)) as gateway:
            return await use(gateway)

    return uvloop.run(run())
