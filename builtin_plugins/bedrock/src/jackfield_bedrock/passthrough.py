"""The common part of dialects whose bodies and events are passed through unchanged."""

from typing import ClassVar

from jackfield.dialects import Terminal, UsageMeter

from .dialect import BedrockDialect
from .event_stream import BrokenMessage, decode
from .invoke_usage import usage_of_any
from .usage import EventMeter


class PassthroughDialect(BedrockDialect):
    """A dialect of which only errors and usage are parsed."""

    translates: ClassVar[bool] = False
    terminal_hints: ClassVar[tuple[bytes, ...]] = (b":exception-type", b":error-code")

    def terminal(self, event: bytes) -> Terminal | None:
        try:
            return "error" if decode(event).is_error else None
        except BrokenMessage:
            return None

    def finishes(self, event: bytes) -> bool:
        """Any event may be the last: each kind of stream ends differently."""
        return True

    def usage_meter(self) -> UsageMeter:
        return EventMeter(self.framing, usage_of_any)
