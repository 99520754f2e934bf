"""The log of a serving process: the format of its lines, and the thread that writes them."""

import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stderr
from io import StringIO
from select import select
from typing import Any, TextIO, cast

logger = logging.getLogger("jackfield.log")

_MOST_WAITING = 4 << 20
_LAST_SECONDS = 1.0
# Whole lines, up to the size that a pipe keeps together when several processes write to it.
_BLOCKS = re.compile(r".{,4095}\n|[^\n]+\n?", re.DOTALL)


class TextLine(logging.Formatter):
    """A human-readable line, with the time in UTC."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")


class JsonLine(TextLine):
    """The same as a JSON object; named arguments of the message become members."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of ASCII, including any traceback."""
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
    """A text stream that never blocks: a thread writes what it is given.

    If the underlying stream stalls or is full, lines are dropped; their number is logged later.
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
        """Queue a text for writing."""
        with self._news:
            if self._closed and not self._thread.is_alive():
                self._stream.write(text)
            elif self._waiting.tell() > _MOST_WAITING:
                self._dropped += text.count("\n")
            else:
                self._waiting.write(text)
                self._news.notify()
        return len(text)

    def flush(self) -> None:
        """Do nothing: writing is never waited for."""

    def close(self) -> None:
        """Allow a moment to write what is queued; later texts are written synchronously.

        If the underlying stream has stalled, they are lost.
        """
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join(_LAST_SECONDS)

    def _run(self) -> None:
        while text := self._next():
            for block in _BLOCKS.findall(text):
                line = block.encode(errors="backslashreplace")
                try:
                    # Python flushes the stream's buffer when it exits, and would first wait for
                    # whoever writes to it.
                    while line:
                        line = line[os.write(self._stream.fileno(), line) :]
                except OSError:  # the disk is full or the reader is gone: go on serving
                    self._dropped += block.count("\n")
                    continue
                dropped, self._dropped = self._dropped, 0
                if dropped:
                    logger.warning("%d lines of the log were dropped", dropped)

    def _next(self) -> str:
        """Everything that is queued; nothing once this is closed."""
        with self._news:
            self._news.wait_for(lambda: self._waiting.tell() or self._closed)
            waiting, self._waiting = self._waiting, StringIO()
        return waiting.getvalue()


class _Willing(logging.StreamHandler[TextIO]):
    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, unless that would have to wait."""
        if select([], [self.stream], [], 0)[1]:
            super().emit(record)


def log_as(style: str, level: str, *, waits: bool = True) -> None:
    """Log to stderr from now on; where it must not wait, what stderr would not take is dropped."""
    handler = (logging.StreamHandler if waits else _Willing)(sys.stderr)
    handler.setFormatter(JsonLine() if style == "json" else TextLine())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)


@contextmanager
def written_aside() -> Iterator[LogWriter]:
    """Let a thread write everything that goes to stderr."""
    with closing(LogWriter(sys.stderr)) as writer, redirect_stderr(cast("TextIO", writer)):
        yield writer
