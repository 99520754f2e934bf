"""The log of a serving process: what its lines look like, and who writes them."""

import json
import logging
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from io import StringIO
from select import select
from typing import Any, TextIO, cast

logger = logging.getLogger("jackfield.log")

_MOST_WAITING = 4 << 20
_LAST_SECONDS = 1.0
# Whole lines, no more than what a pipe keeps together where several processes write to it.
_BLOCKS = re.compile(r".{,4095}\n|[^\n]+\n?", re.DOTALL)


class TextLine(logging.Formatter):
    """A line to read, with the time in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")


class JsonLine(TextLine):
    """The same as an object; what the message names has fields of its own as well."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of ASCII, a traceback included."""
        facts: dict[str, Any] = {
            "time": self.formatTime(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if isinstance(record.args, Mapping):
            facts = facts | {**record.args} | facts
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts, default=str)


class LogWriter:
    """A text stream that nobody waits for: a thread writes what it is given.

    What a stream that stalls, or is full, cannot take is dropped, and how many lines that were is
    said as soon as it can.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._news = threading.Condition()
        self._waiting = StringIO()
        self._dropped = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="jackfield-log", daemon=True)
        self._thread.start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Have it written."""
        with self._news:
            if self._closed:
                self._stream.write(text)
            elif self._waiting.tell() > _MOST_WAITING:
                self._dropped += text.count("\n")
            else:
                self._waiting.write(text)
                self._news.notify()
        return len(text)

    def flush(self) -> None:
        """Nothing is awaited."""

    def close(self) -> None:
        """Give what there is a moment to be written; what comes later is written at once."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(_LAST_SECONDS)

    def _run(self) -> None:
        while text := self._next():
            for block in _BLOCKS.findall(text):
                try:
                    self._stream.write(block)
                    self._stream.flush()
                except OSError:  # a full disk, a reader that is gone: served all the same
                    self._dropped += block.count("\n")
                else:
                    self._tell()

    def _tell(self) -> None:
        dropped, self._dropped = self._dropped, 0
        if dropped:
            logger.warning("%d lines of the log were dropped", dropped)

    def _next(self) -> str:
        """What waits, all of it; nothing once this is closed."""
        with self._news:
            self._news.wait_for(lambda: self._waiting.tell() or self._closed)
            waiting, self._waiting = self._waiting, StringIO()
        return waiting.getvalue()


class _Willing(logging.StreamHandler[TextIO]):
    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless that would have to wait."""
        if select([], [self.stream], [], 0)[1]:
            super().emit(record)


def log_as(style: str, level: str) -> None:
    """Log to stderr from now on."""
    _log_to(logging.StreamHandler(sys.stderr), style, level)


def log_if_taken(style: str, level: str) -> None:
    """Log to stderr what it takes without a wait, where no thread may be."""
    _log_to(_Willing(sys.stderr), style, level)


@contextmanager
def written_aside() -> Iterator[LogWriter]:
    """Have a thread write what anybody writes to stderr."""
    writer = LogWriter(sys.stderr)
    with redirect_stderr(cast("TextIO", writer)):
        try:
            yield writer
        finally:
            writer.close()


def _log_to(handler: logging.Handler, style: str, level: str) -> None:
    handler.setFormatter(JsonLine() if style == "json" else TextLine())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
