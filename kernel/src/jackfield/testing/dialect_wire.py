"""The wire format of the testing dialect; anything else is refused."""

from typing import Any

import msgspec

from jackfield.errors import InvalidRequest, ProviderError
from jackfield.messages import FinishReason, Role, Usage

_MALFORMED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class WireMessage(msgspec.Struct):
    """One message."""

    role: Role
    text: str


class WireRequest(msgspec.Struct):
    """A request."""

    model: str
    messages: list[WireMessage] = []
    stream: bool = False
    max_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """The usage."""

    input: int
    output: int

    def usage(self) -> Usage:
        """The same in canonical form."""
        return Usage(self.input, self.output)


class WireAnswer(msgspec.Struct):
    """A whole answer."""

    text: str
    model: str = ""
    finish: FinishReason | None = None
    usage: WireUsage | None = None


class Failure(msgspec.Struct):
    """What went wrong."""

    message: str
    code: str | None = None


class Fact(msgspec.Struct):
    """One event of a stream, which has one of these."""

    model: str | None = None
    text: str | None = None
    finish: FinishReason | None = None
    usage: WireUsage | None = None
    error: Failure | None = None
    end: bool = False


def read_request(tree: Any) -> WireRequest:
    """The request in a body's JSON. Raises InvalidRequest, which names the field."""
    try:
        return msgspec.convert(tree, WireRequest)
    except _MALFORMED as error:
        raise InvalidRequest(f"The request cannot be read: {error}.") from None


def read_answer(body: bytes) -> WireAnswer:
    """The answer in a body. Raises ValueError."""
    try:
        return msgspec.json.decode(body, type=WireAnswer)
    except _MALFORMED as error:
        raise ValueError("it is no answer") from error


def read_fact(data: bytes | None) -> Fact:
    """The fact of an event. Raises ProviderError."""
    try:
        return msgspec.json.decode(data or b"{}", type=Fact)
    except _MALFORMED as error:
        raise ProviderError("The provider sent an event that cannot be read.") from error
