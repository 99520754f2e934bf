"""The access log: one line per exchange, without any of its content, written in batches."""

import asyncio
import json
import logging
import re
import sys
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TextIO

import msgspec

from jackfield.endpoints import shown_path
from jackfield.errors import GatewayError
from jackfield.exchange import Exchange
from jackfield.response import Attempt, Outcome

logger = logging.getLogger("jackfield.access")

_PLAIN = re.compile(r"[!#-~]+").fullmatch
_FLUSH_SECONDS = 0.1
_REFUSED = "refused request=%(request)s path=%(path)s status=%(status)d error=%(error)s"


class AccessLog:
    """Formats each line at once, so that it keeps no exchange alive, and writes in batches.

    Lines that cannot be written are dropped; their number is logged as soon as writing works again.
    """

    def __init__(self, style: str, stream: TextIO | None = None) -> None:
        self._line = json_line if style == "json" else text_line
        self._stream = stream or sys.stderr
        self._lines: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._dropped = 0

    def add(self, exchange: Exchange, outcome: Outcome) -> None:
        """Log an exchange that has ended."""
        self._lines.append(self._line(exchange, outcome))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)

    def add_refusal(self, path: str, request_id: str, error: GatewayError) -> None:
        """Log a request that was refused before it became an exchange."""
        facts: dict[str, object] = {"request": request_id, "path": word(shown_path(path))}
        facts |= {"status": error.http_status, "error": error.code}
        logger.info(_REFUSED, facts)

    def flush(self) -> None:
        """Write the lines collected so far."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        lines, self._lines = self._lines, []
        if self._dropped:
            lines.append(f"{self._dropped} lines of the access log were dropped")
            self._dropped = 0
        if not lines:
            return
        try:
            self._stream.write("\n".join(lines) + "\n")
            self._stream.flush()
        except OSError:  # the disk is full or the reader is gone: go on serving, and count
            self._dropped += len(lines)


def facts(exchange: Exchange, outcome: Outcome) -> dict[str, Any]:
    """The logged facts of an exchange: identities and numbers, never its texts."""
    attempts, usage = exchange.attempts, outcome.usage
    return {
        "time": _now(),
        "request": exchange.id,
        "method": exchange.request.method,
        "path": exchange.endpoint.path,
        "status": outcome.status,
        "outcome": outcome.kind,
        "error": outcome.error.code if outcome.error else None,
        "model": exchange.model,
        "target": str(attempts[-1].target) if attempts else None,
        "attempts": len(attempts) or None,
        "failed_attempts": _failed(attempts) or None,
        "tenant": exchange.principal.tenant,
        "scope": exchange.principal.scopes[-1] if exchange.principal.scopes else None,
        "stream": exchange.stream or None,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "ms": round((time.monotonic() - exchange.received) * 1000, 2),
        "plugin_failures": "; ".join(exchange.failures) if exchange.failures else None,
    }


def json_line(exchange: Exchange, outcome: Outcome) -> str:
    """The line as JSON; unknown values are null."""
    return _ascii(facts(exchange, outcome))


def text_line(exchange: Exchange, outcome: Outcome) -> str:
    """The same facts as `name=value` words; unknown values are left out."""
    attempts, usage, who = exchange.attempts, outcome.usage, exchange.principal
    line = (
        f"time={_now()} request={exchange.id}"
        f" {_endpoint_words(exchange.request.method, exchange.endpoint.path)}"
        f" status={outcome.status} outcome={outcome.kind}"
    )
    if outcome.error is not None:
        line += f" error={outcome.error.code}"
    if attempts:
        target = attempts[-1].target
        line += _target_words(exchange.model, target.provider, target.model, len(attempts))
        if attempts[0].error is not None:
            line += f" failed_attempts={word(_failed(attempts))}"
    elif exchange.model is not None:
        line += f" model={word(exchange.model)}"
    line += f" tenant={word(who.tenant)}" + (f" scope={word(who.scopes[-1])}" if who.scopes else "")
    line += " stream=True" if exchange.stream else ""
    if usage is not None:
        line += f" input_tokens={usage.input_tokens} output_tokens={usage.output_tokens}"
    line += " ms=%.2f" % ((time.monotonic() - exchange.received) * 1000)
    what = "; ".join(exchange.failures)
    return f"{line} plugin_failures={word(what)}" if what else line


def _failed(attempts: Sequence[Attempt]) -> str:
    """The attempts that failed, with what is known of why."""
    each = [f"{a.target} {a.status} {a.error} {a.cause or ''}".strip() for a in attempts if a.error]
    return "; ".join(each)


@lru_cache(maxsize=512)
def _endpoint_words(method: str, path: str) -> str:
    return f"method={method} path={path}"


@lru_cache(maxsize=2048)
def _target_words(model_name: str | None, provider: str, model: str, attempts: int) -> str:
    words = f" model={word(model_name)}" if model_name is not None else ""
    return f"{words} target={word(f'{provider}/{model}')} attempts={attempts}"


def _now() -> str:
    second, milliseconds = divmod(time.time_ns() // 1_000_000, 1000)
    return f"{_second(second)}.{milliseconds:03d}Z"


@lru_cache(maxsize=4)
def _second(wall: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(wall))


@lru_cache(maxsize=2048)
def word(value: str) -> str:
    """The text quoted where needed, so that it stays one word on one line."""
    return value if _PLAIN(value) else _ascii(value)


def _ascii(value: Any) -> str:
    """JSON in ASCII, so that no Unicode character can end a line or change its direction."""
    text = msgspec.json.encode(value).decode("utf-8", "replace")
    return text if text.isascii() else json.dumps(value)
