"""Names the plugin whose code is wrong, and its own line, in the log."""

import asyncio
import logging
from collections.abc import Iterable
from traceback import walk_tb
from typing import TYPE_CHECKING

from attrs import frozen

from jackfield.errors import GatewayError, ProviderFailure

if TYPE_CHECKING:
    from jackfield.plugin import Plugin

logger = logging.getLogger("jackfield.plugins")

_LINE_BREAKS = frozenset("\r\n\0")
_FAILED = "The gateway failed on this request; its log says where, under this id."


class WrongResultError(Exception):
    """A plugin returned something of a wrong type; the words are ours and may be logged."""


class UnsafeHeader(WrongResultError):
    """A response header that is not text, or whose CR, LF or NUL could begin another line."""


@frozen
class Blaming:
    """A block that asks a plugin something: if it fails, that is logged, and the block ends.

    A GatewayError is raised on: it may be an answer.
    """

    plugin: "Plugin"
    method: str

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        """Log what was raised; whether to go on after the block."""
        fails = isinstance(error, Exception | SystemExit) and not isinstance(error, GatewayError)
        gives_up = isinstance(error, asyncio.CancelledError) and not is_being_cancelled()
        if error is not None and (fails or gives_up):
            blame(self.plugin, self.method, error)
            return True
        return False


def blame(plugin: "Plugin", method: str, error: BaseException, more: str = "") -> None:
    """Log that a method of a plugin has failed."""
    fault = fault_of(error, plugin.__module__)
    logger.error("plugin %s failed in %s: %s%s", plugin.name, method, fault, more)


def mistake(request_id: str, error: BaseException, module: str = "", at: str = "") -> GatewayError:
    """Log an unexpected exception, and turn it into an answer."""
    logger.error("request %s: %s%s", request_id, at, fault_of(error, module))
    return GatewayError(_FAILED)


def failed_call(provider: "Plugin", error: BaseException, request_id: str) -> ProviderFailure:
    """Log that a provider's own code has failed; the error of that attempt."""
    blame(provider, "call", error, f"; request {request_id}")
    return ProviderFailure(_FAILED, provider=provider.name)


def fault_of(error: BaseException, module: str = "") -> str:
    """What an exception is and where it was raised; its own words may hold a secret."""
    if isinstance(error, WrongResultError):
        return str(error)
    return f"{type(error).__name__}{place_of(error, module)}"


def place_of(error: BaseException | None, module: str = "") -> str:
    """Where an exception was raised, which is where to correct it.

    For one that a library raised, or a deadline, it is the last line in the package of `module`.
    """
    package = module.partition(".")[0]
    chain = (getattr(error, "__context__", None), error)
    steps = [step for one in chain for step in walk_tb(getattr(one, "__traceback__", None))]
    own = [at for at in steps if str(at[0].f_globals.get("__name__")).split(".")[0] == package]
    if not steps:
        return ""
    frame, line = (own or steps)[-1]
    return f" at {frame.f_code.co_filename}:{line} in {frame.f_code.co_qualname}"


def is_being_cancelled() -> bool:
    """Whether the running task is really cancelled; a plugin may raise CancelledError itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def wrong_header(headers: Iterable[tuple[object, object]]) -> str:
    """What is wrong with the first header that cannot be sent; "" if nothing is."""
    for name, value in headers:
        parts = (name, value)
        if not all(isinstance(part, str) and _LINE_BREAKS.isdisjoint(part) for part in parts):
            return f"the header {name!r:.80} is not one line of text: {type(value).__name__}"
    return ""
