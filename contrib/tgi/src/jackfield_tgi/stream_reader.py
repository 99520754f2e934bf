"""Parses streamed answers: canonical events, their end and their usage."""

from collections.abc import Sequence

from jackfield.dialects import Terminal
from jackfield.errors import ProviderError
from jackfield.events import Ended, Failed, Finished, Started, StreamEvent, TextDelta, UsageReported
from jackfield.messages import Usage
from jackfield.sse import data_of, split

from .finish import reason_of
from .logprobs import logprobs_of
from .usage import usage_of
from .wire import Event, StreamDetails, read_event


class EventReader:
    """Parses the events of one stream."""

    def __init__(self) -> None:
        self._begun = False

    def feed(self, event: bytes) -> Sequence[StreamEvent]:
        """The canonical events in one wire event. Raises ProviderError for a malformed one."""
        data = data_of(event)
        if data is None or data == b"[DONE]":
            return ()
        try:
            read = read_event(data)
        except ValueError as error:
            raise ProviderError(
                "The provider sent a stream event that is none of TGI's."
            ) from error
        if read.error is not None:
            return (Failed(read.error, read.error_type),)
        found: list[StreamEvent] = []
        if not self._begun:
            self._begun = True
            found.append(Started("", ""))
        token = read.token
        if token is not None and token.text and not token.special:
            tops = [read.top_tokens] if read.top_tokens else None
            found.append(TextDelta(0, token.text, logprobs=logprobs_of([token], tops)))
        if read.generated_text is not None:
            found += _ending(read.details)
        return found

    def close(self) -> Sequence[StreamEvent]:
        """Nothing is pending: a stream without its complete text is incomplete."""
        return ()


class UsageReader:
    """Keeps the event that reports a stream's usage, and parses it on request."""

    def __init__(self) -> None:
        self._events = b""

    def feed(self, events: bytes) -> None:
        """Process complete events."""
        if b'"generated_tokens"' in events:
            self._events = events

    def usage(self) -> Usage | None:
        """The usage in the last event, or None."""
        for event in reversed(split(self._events)):
            read = _read(event)
            if read and read.details:
                return usage_of(read.details.generated_tokens, read.details.input_length)
        return None


def ending_of(event: bytes) -> Terminal | None:
    """How an event ends its stream; events unknown to TGI, such as `[DONE]`, do not."""
    read = _read(event)
    if read is None:
        return None
    if read.error is not None:
        return "error"
    return "end" if read.generated_text is not None else None


def _read(event: bytes) -> Event | None:
    data = data_of(event)
    try:
        return read_event(data) if data else None
    except ValueError:
        return None


def _ending(details: StreamDetails | None) -> list[StreamEvent]:
    if details is None:
        return [Finished("stop"), Ended()]
    word = details.finish_reason
    usage = usage_of(details.generated_tokens, details.input_length)
    return [Finished(reason_of(word), detail=word), UsageReported(usage), Ended()]
