"""What the results of a batch say was used: lines of JSON, each with an answer."""

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
"""Bytes of the longest line that is read."""

_NONE: Final = msgspec.Raw(b"")
_DIALECTS: Final = {
    "chat.completion": "openai.chat",
    "text_completion": "openai.completions",
    "response": "openai.responses",
    "list": "openai.embeddings",
    "message": "anthropic.messages",
}
"""The dialects of answers, by what these say they are."""


class _Line(msgspec.Struct):
    custom_id: str
    response: msgspec.Raw = _NONE
    result: msgspec.Raw = _NONE


class _Wrapped(msgspec.Struct):
    body: msgspec.Raw = _NONE
    message: msgspec.Raw = _NONE


class _Answer(msgspec.Struct):
    object: str = ""
    type: str = ""
    model: str = ""


_line = msgspec.json.Decoder(_Line).decode
_wrapped = msgspec.json.Decoder(_Wrapped).decode
_answer = msgspec.json.Decoder(_Answer).decode


@define
class Sum:
    """What all answers of one model have used, and what that costs in nano-dollars."""

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
    """Adds up what comes, by model. What turns out to be no results of a batch is let pass."""

    _price: Callable[[str, Usage], Cost]
    sums: dict[str, Sum] = field(factory=dict)
    _held: list[bytes] = field(factory=list)
    _size: int = 0
    _other: bool = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes; with the last of them a line feed."""
        if self._other or not data:
            return
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._held, lines[0]))
            self._held, self._size = [], 0
        for line in lines:
            if line.strip() and not self._other:
                self._add(line)
        if rest:
            self._hold(rest)

    def _hold(self, rest: bytes) -> None:
        """Keep the beginning of a line until its end comes, unless it can be none of results."""
        self._held.append(rest)
        self._size += len(rest)
        is_result = self.sums or self._held[0].startswith(b"{")
        if self._size > _LONGEST or not is_result:
            self._held = []
            self._pass_over()
            self._other = True

    def _pass_over(self) -> None:
        """Tell of a line that is no result; before the first result it says what the file is."""
        self._other = not self.sums
        if self.sums:
            logger.warning("a line of batch results could not be read: it is not recorded")

    def _add(self, line: bytes) -> None:
        try:
            read = _line(line)
            wrapped = _wrapped(read.result or read.response or b"{}")
            body = bytes(wrapped.message or wrapped.body)
            told = _answer(body or b"{}")
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self._pass_over()
            return
        dialect = _dialect(_DIALECTS.get(told.object or told.type, ""))
        usage = dialect.usage(body) if dialect is not None else None
        if usage is not None:
            usage = msgspec.structs.replace(usage, service_tier=TIER)
            self.sums.setdefault(told.model, Sum()).add(usage, self._price(told.model, usage))


@cache
def _dialect(name: str) -> Dialect | None:
    try:
        return installed(name) if name else None
    except ConfigError:
        return None
