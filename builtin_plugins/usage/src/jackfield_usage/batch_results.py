"""Adds up the usage in the results of a batch: JSON lines, each with an answer."""

import logging
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final

import msgspec
from attrs import define, field

from jackfield import ConfigError
from jackfield.dialects import Dialect, installed
from jackfield.messages import Usage
from jackfield.prices import Cost

from .record import CLASSES

logger = logging.getLogger("jackfield.usage")

TIER: Final = "batch"
_LONGEST: Final = 32 * 1024 * 1024
"""Bytes of the longest line that is parsed."""

_NONE: Final = msgspec.Raw(b"")
_EMPTY: Final = msgspec.Raw(b"{}")
_DIALECTS: Final = {
    "chat.completion": "openai.chat",
    "text_completion": "openai.completions",
    "response": "openai.responses",
    "list": "openai.embeddings",
    "message": "anthropic.messages",
}
"""The dialects of answers, by their `object` or `type`."""

_GOOGLES: Final = "gemini.generate_content"
"""The dialect of answers with `usageMetadata` and no type."""


class _Line(msgspec.Struct):
    custom_id: str | None = None
    key: str | None = None
    response: msgspec.Raw = _NONE
    result: msgspec.Raw = _NONE


class _Wrapped(msgspec.Struct):
    body: msgspec.Raw = _NONE
    message: msgspec.Raw = _NONE


class _Answer(msgspec.Struct):
    object: str = ""
    type: str = ""
    model: str = ""
    version: str = msgspec.field(default="", name="modelVersion")
    reported: msgspec.Raw = msgspec.field(default=_NONE, name="usageMetadata")
    tokens: int = msgspec.field(default=0, name="tokenCount")

    def usage_in(self, body: bytes) -> Usage | None:
        """The usage, if the dialect of the answer is installed."""
        dialect = _dialect(
            _DIALECTS.get(self.object or self.type) or _GOOGLES * bool(self.reported)
        )
        if dialect is not None:
            return dialect.usage(body)
        return Usage(input_tokens=self.tokens) if self.tokens else None


_line = msgspec.json.Decoder(_Line).decode
_wrapped = msgspec.json.Decoder(_Wrapped).decode
_answer = msgspec.json.Decoder(_Answer, strict=False).decode  # Google writes numbers as strings


@define
class Sum:
    """The usage of all answers of one model, and its cost in nano-dollars."""

    tokens: Counter[str] = field(factory=Counter)
    units: Counter[str] = field(factory=Counter)
    nano: int = 0
    missing: bool = False

    def add(self, usage: Usage, cost: Cost) -> None:
        """Add one answer."""
        self.tokens.update({name: getattr(usage, name) for name in CLASSES})
        self.units.update(usage.units)
        self.nano += cost.nano
        self.missing = self.missing or cost.missing


@define(eq=False)
class Results:
    """Adds up usage by model. Input that turns out not to be batch results is ignored.

    `model` is that of answers that do not name theirs.
    """

    _price: Callable[[str, Usage], Cost]
    _model: str = ""
    sums: dict[str, Sum] = field(factory=dict)
    _held: list[bytes] = field(factory=list)
    _size: int = 0
    _skips: bool = False
    _unread: int = 0
    _other: bool = False

    def feed(self, data: bytes) -> None:
        """Process the next bytes of a file of lines."""
        if self._other or not data:
            return
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._held, lines[0]))
            self._held, self._size = [], 0
            del lines[: self._skips]
            self._skips = False
        for line in lines:
            if line.strip() and not self._other:
                self._other = not (self.add(line) or self.sums)
        if rest and not self._skips:
            self._hold(rest)

    def add(self, line: bytes) -> bool:
        """Process one result; returns whether it has an id, as results in files do."""
        try:
            read = _line(line)
            outcome = _object(read.result or read.response)
            wrapped = _wrapped(outcome)
            body = bytes(_object(wrapped.message or wrapped.body or outcome))
            answer = _answer(body)
            usage = answer.usage_in(body)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self._unread += 1
            return False
        if usage is not None:
            model = answer.model or answer.version or self._model
            usage = msgspec.structs.replace(usage, service_tier=TIER)
            self.sums.setdefault(model, Sum()).add(usage, self._price(model, usage))
        return read.custom_id is not None or read.key is not None

    def end(self) -> None:
        """Process the last line, and log how many results could not be read."""
        self.feed(b"\n")
        if self.sums and self._unread:
            logger.warning("%d batch results could not be read and are not recorded", self._unread)

    def _hold(self, rest: bytes) -> None:
        """Keep the beginning of a line until its end arrives, unless it cannot be a result."""
        self._held.append(rest)
        self._size += len(rest)
        self._other = not (self.sums or self._held[0].startswith(b"{"))
        if self._size > _LONGEST or self._other:
            self._held, self._skips = [], True
            self._unread += 1


def _object(raw: msgspec.Raw) -> msgspec.Raw:
    return _EMPTY if bytes(memoryview(raw)[:5]) in (b"", b"null") else raw


@cache
def _dialect(name: str) -> Dialect | None:
    try:
        return installed(name) if name else None
    except ConfigError:
        return None
