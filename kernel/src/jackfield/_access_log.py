"""One line for each exchange, without a word of its content; written in batches."""

import asyncio
import json
import logging
import re
import sys
import time
from functools import lru_cache
from typing import Any, TextIO

import msgspec

from jackfield.errors import GatewayError
from jackfield.exchange import Exchange
from jackfield.response import Outcome

logger = logging.getLogger("jackfield.access")

_PLAIN = re.compile(r"[!#-~]+").fullmatch
_FLUSH_SECONDS = 0.1
_MOST_LINES = 20_000


class AccessLog:
    """Collects the lines of a moment and writes them at once.

    Under a stalled reader lines are dropped, and how many is said in the next one.
    """

    def __init__(self, style: str, stream: TextIO | None = None) -> None:
        self._json = style == "json"
        self._stream = stream or sys.stderr
        self._pending: list[tuple[Exchange, Outcome, float]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0

    def add(self, exchange: Exchange, outcome: Outcome) -> None:
        """Note that an exchange has ended."""
        if len(self._pending) >= _MOST_LINES:
            self._dropped += 1
            return
        self._pending.append((exchange, outcome, time.monotonic()))
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(_FLUSH_SECONDS, self.flush)

    def add_refusal(self, path: str, request_id: str, error: GatewayError) -> None:
        """Note a request that never became an exchange."""
        logger.info(
            "refused request=%s path=%s status=%d error=%s",
            request_id,
            word(path[:200]),
            error.http_status,
            error.code,
        )

    def flush(self) -> None:
        """Write what has been noted."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending, self._pending = self._pending, []
        if not pending:
            return
        lines = [self._line(*entry) for entry in pending]
        if self._dropped:
            lines.append(f"{self._dropped} lines of the access log were dropped")
            self._dropped = 0
        self._stream.write("\n".join(lines) + "\n")
        self._stream.flush()

    def _line(self, exchange: Exchange, outcome: Outcome, ended: float) -> str:
        fields = facts(exchange, outcome, ended)
        if self._json:
            return _ascii(fields)
        return " ".join(
            [f"{name}={word(value)}" for name, value in fields.items() if value is not None]
        )


def facts(exchange: Exchange, outcome: Outcome, ended: float) -> dict[str, Any]:
    """What the log says of an exchange: identities and numbers, never its texts."""
    wall = time.time() - time.monotonic() + ended
    usage = outcome.usage
    last = exchange.attempts[-1] if exchange.attempts else None
    return {
        "time": f"{_second(int(wall))}.{int(wall % 1 * 1000):03d}Z",
        "request": exchange.id,
        "method": exchange.request.method,
        "path": exchange.endpoint.path,
        "status": outcome.status,
        "outcome": outcome.kind,
        "error": outcome.error.code if outcome.error else None,
        "model": exchange.model,
        "target": str(last.target) if last else None,
        "attempts": len(exchange.attempts) or None,
        "tenant": exchange.principal.tenant,
        "stream": exchange.stream or None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "ms": round((ended - exchange.received) * 1000, 2),
        "plugin_failures": "; ".join(exchange.failures) or None,
    }


@lru_cache(maxsize=4)
def _second(wall: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall))


def word(value: Any) -> str:
    """A value that cannot be taken for two, nor break the line."""
    if type(value) is not str:
        return str(value)
    return value if _PLAIN(value) else _ascii(value)


def _ascii(value: Any) -> str:
    """JSON in which no character of another script can end a line or turn its direction."""
    text = msgspec.json.encode(value).decode("utf-8", "replace")
    return text if text.isascii() else json.dumps(value)
