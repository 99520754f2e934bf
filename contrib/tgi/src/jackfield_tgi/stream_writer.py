"""Renders canonical events as a streamed TGI answer."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from jackfield.dialects import Loss
from jackfield.events import (
    AudioDelta,
    CitationAdded,
    Ended,
    Failed,
    Finished,
    PartAdded,
    ReasoningDelta,
    RefusalDelta,
    StreamEvent,
    TextDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.messages import ChatRequest, Usage
from jackfield.sse import encode

from .failures import write_failure
from .finish import word_for
from .logprobs import tokens_of
from .shape import shape_of
from .wire import StreamDetails, Token

# Like a model's end token: not part of the text.
LAST = Token(0, "", 0.0, special=True)

_LOST: dict[type, str] = {
    ReasoningDelta: "reasoning",
    ToolCallStarted: "tool_calls",
    AudioDelta: "audio",
    CitationAdded: "citations",
    PartAdded: "parts",
}


def closing() -> bytes:
    """The event that ends a stream early."""
    fields = {"index": 0, "token": LAST, "generated_text": "", "details": None}
    return encode(msgspec.json.encode(fields))


class EventWriter:
    """Renders the events of one stream. The last has the complete text and an empty token."""

    def __init__(self, request: ChatRequest) -> None:
        self.losses: list[Loss] = []
        self._shape = shape_of(request)
        self._texts: list[str] = []
        self._index = 0
        self._finished = Finished("stop")
        self._usage: Usage | None = None

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty if it has none."""
        match event:
            case TextDelta(choice=0) | RefusalDelta(choice=0):
                return self._text(event)
            case Finished(choice=0):
                self._finished = event
            case UsageReported(usage=usage):
                self._usage = usage
            case Failed(message=message, type=kind):
                return encode(write_failure(message, kind))
            case Ended():
                return self._end()
            case _:
                self._lose(_LOST.get(type(event)))
        return b""

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        self._texts.append(event.text)
        if isinstance(event, RefusalDelta):
            self._lose("refusals", "approximated")
            return self._event(Token(0, event.text, 0.0))
        tokens, tops = tokens_of(event.logprobs)
        logprob = sum(one.logprob or 0.0 for one in tokens)
        return self._event(Token(0, event.text, logprob), tops=tops[0] if tops else ())

    def _end(self) -> bytes:
        details = None
        if self._shape.details:
            word = word_for(self._finished.reason, self._finished.detail)
            usage = self._usage or Usage(output_tokens=self._index)
            details = StreamDetails(word, usage.output_tokens, None, usage.input_tokens)
        text = self._shape.before + "".join(self._texts)
        return self._event(LAST, text=text, details=details)

    def _event(
        self,
        token: Token,
        *,
        tops: Sequence[Token] = (),
        text: str | None = None,
        details: StreamDetails | None = None,
    ) -> bytes:
        self._index += 1
        fields: dict[str, Any] = {
            "index": self._index,
            "token": token,
            "generated_text": text,
            "details": details,
        }
        if tops:
            fields["top_tokens"] = tops
        return encode(msgspec.json.encode(fields))

    def _lose(
        self, feature: str | None, how: Literal["dropped", "approximated"] = "dropped"
    ) -> None:
        if feature and all(one.feature != feature for one in self.losses):
            self.losses.append(Loss(feature, "choices[0].message", how))
