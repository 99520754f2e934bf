"""Renders canonical events as a Responses stream, one by one."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

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
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from jackfield.losses import lost_part
from jackfield.messages import ChatRequest, Image, Opaque, ToolCall, Usage

from .losses import LOST_REASON
from .moderations import response_moderation
from .responses_answer import INCOMPLETE, Answer, failure
from .responses_content import JSON, NAME, drops_quote, is_content, own, render_citation
from .responses_output import (
    AUDIO_AS_TEXT,
    begins_reasoning,
    call_item,
    encrypted_content,
    image_item,
    reasoning_item,
)
from .responses_stream_items import (
    DeltaWriter,
    EventWriter,
    OpenCall,
    OpenItem,
    OpenMessage,
    OpenReasoning,
)
from .thoughts import learned

Item = TypeVar("Item", bound=OpenItem)
_NO_PART = -1


class ResponsesRenderer:
    """Renders one stream.

    A tool call stays open until the answer is finished, because the deltas of parallel calls may
    come in any order; any other item ends when the next begins.
    """

    def __init__(self, request: ChatRequest) -> None:
        self.losses: list[Loss] = []
        self._request = request
        self._events = EventWriter()
        self._answer: Answer | None = None
        self._output: list[JSON] = []
        self._open: OpenMessage | OpenReasoning | None = None
        self._calls: dict[int, OpenCall] = {}
        self._part = _NO_PART
        self._writer: DeltaWriter | None = None
        self._finished = Finished(None)
        self._usage: Usage | None = None
        self._over = False

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty if it has none."""
        if (
            isinstance(event, TextDelta)
            and event.part == self._part
            and event.logprobs is None
            and self._writer is not None
            and not event.choice
        ):
            return self._writer.write(event.text)
        if self._over:
            return b""
        if getattr(event, "choice", 0):
            self._lose(Loss("n", "choices[1]", "dropped", "one answer instead of several"))
            return b""
        begun = b""
        if self._answer is None and not isinstance(event, Started):
            begun = self._begin(Started("", ""))
        return begun + self._HANDLERS[type(event)](self, event)

    def _lose(self, loss: Loss) -> None:
        if loss not in self.losses:
            self.losses.append(loss)

    def _begin(self, event: Started) -> bytes:
        kept = event.extensions.get(NAME)
        extra = None if kept is None else dict(kept)
        answer = Answer(self._request, event.id, event.model, event.created, extra)
        self._answer = answer
        return self._lifecycle("response.created") + self._lifecycle("response.in_progress")

    def _lifecycle(self, kind: str) -> bytes:
        return self._events.write(kind, response=self._made().snapshot())

    def _made(self) -> Answer:
        if self._answer is None:
            raise RuntimeError("the answer has not begun")
        return self._answer

    def _add(self, opener: type[Item], item: JSON) -> tuple[Item, bytes]:
        index = len(self._output)
        made = {"id": self._made().item_id(str(item.get("type")), index)}
        if opener in (OpenMessage, OpenCall):
            made["status"] = "in_progress"
        opened = opener(self._events, index, made | item)
        self._output.append(opened.item)
        return opened, opened.added()

    def _close(self, status: str = "completed") -> bytes:
        self._part, self._writer = _NO_PART, None
        if self._open is None:
            return b""
        closed, self._open = self._open, None
        return closed.done(status)

    def _text(self, event: TextDelta | RefusalDelta) -> bytes:
        wire = b""
        if event.part != self._part:
            if not event.text and not event.extensions:
                return b""
            kind = "output_text" if isinstance(event, TextDelta) else "refusal"
            wire = self._text_part(kind, own(event.extensions).get("$item"))
            self._part = event.part
        if isinstance(event, TextDelta) and event.logprobs and isinstance(self._open, OpenMessage):
            return wire + self._open.delta(event.text, event.logprobs.get("content") or [])
        return wire + self._writer.write(event.text) if event.text and self._writer else wire

    def _text_part(self, kind: str, extra: JSON | None) -> bytes:
        message, wire = self._message(extra)
        begun, self._writer = message.begin(kind)
        return wire + begun

    def _message(self, extra: JSON | None) -> tuple[OpenMessage, bytes]:
        if isinstance(self._open, OpenMessage) and extra is None:
            return self._open, b""
        wire = self._close()
        item = {"type": "message", "role": "assistant", "content": [], **(extra or {})}
        message, added = self._add(OpenMessage, item)
        self._open = message
        return message, wire + added

    def _reasoning(self, event: ReasoningDelta) -> bytes:
        item, wire = self._reasoning_item(event)
        if event.text:
            if self._writer is None:
                summary = event.summary or NAME not in event.extensions
                begun, self._writer = item.begin(summary=summary)
                wire += begun
            wire += self._writer.write(event.text)
        item.reasoning = learned(item.reasoning, event)
        if (encrypted := encrypted_content(item.reasoning)) is not None:
            item.item["encrypted_content"] = encrypted
        return wire

    def _reasoning_item(self, event: ReasoningDelta) -> tuple[OpenReasoning, bytes]:
        opened = self._open if isinstance(self._open, OpenReasoning) else None
        if opened is not None and event.part == self._part:
            return opened, b""
        wire = b""
        if opened is None or begins_reasoning(event):
            wire = self._close()
            opened, added = self._add(OpenReasoning, reasoning_item(event))
            self._open = opened
            wire += added
        self._part, self._writer = event.part, None
        return opened, wire

    def _call(self, event: ToolCallStarted) -> bytes:
        wire = self._close()
        called = ToolCall(event.id, event.name, "", event.kind, event.extensions)
        item = call_item(called, self._request.tools)
        if not event.id:
            item["call_id"] = f"call_{self._made().item_id(item['type'], len(self._output))}"
        call, added = self._add(OpenCall, item)
        self._calls[event.part] = call
        return wire + added

    def _arguments(self, event: ToolCallDelta) -> bytes:
        call = self._calls.get(event.part)
        return call.writer.write(event.arguments) if call and event.arguments else b""

    def _audio(self, event: AudioDelta) -> bytes:
        self._lose(AUDIO_AS_TEXT)
        return self._text(TextDelta(event.part, event.transcript)) if event.transcript else b""

    def _citation(self, event: CitationAdded) -> bytes:
        text = self._writer.text() if self._writer and event.part == self._part else ""
        annotation = render_citation(event.citation, len(text))
        if annotation is None:
            self._lose(Loss("citations.document", "choices[0]", "dropped"))
            return b""
        if drops_quote(event.citation, text):
            self._lose(Loss("citations.cited_text", "choices[0]", "dropped"))
        wire = b""
        if not any(item.get("type") == "message" for item in self._output):
            # Some providers send citations before the text.
            wire, self._part = self._text_part("output_text", None), event.part
        if not isinstance(self._open, OpenMessage):
            self._lose(Loss("citations.late", "choices[0]", "dropped"))
            return wire
        return wire + self._open.cite(annotation)

    def _whole(self, event: PartAdded) -> bytes:
        part = event.value
        if is_content(part):
            message, wire = self._message(None)
            self._part, self._writer = _NO_PART, None
            return wire + message.whole(part.value)
        if isinstance(part, Opaque) and part.dialect == NAME:
            return self._whole_item(dict(part.value))
        if isinstance(part, Image) and part.data is not None:
            return self._whole_item(image_item(part))
        self._lose(lost_part(part, "choices[0]", "assistant"))
        return b""

    def _whole_item(self, item: JSON) -> bytes:
        wire = self._close()
        opened, added = self._add(OpenItem, item)
        return wire + added + opened.done()

    def _finish(self, event: Finished) -> bytes:
        self._finished = event
        status = "incomplete" if event.reason in INCOMPLETE else "completed"
        opened: list[OpenItem] = [*self._calls.values()]
        if self._open is not None:
            opened.append(self._open)
        opened.sort(key=lambda item: item.index)
        self._calls, self._open = {}, None
        self._part, self._writer = _NO_PART, None
        last = opened[-1:]
        return b"".join(item.done(status if [item] == last else "completed") for item in opened)

    def _report(self, event: UsageReported) -> bytes:
        self._usage = event.usage
        return b""

    def _fail(self, event: Failed) -> bytes:
        self._over = True
        self._part = _NO_PART
        error = failure(event.message, event.code)
        done = [item for item in self._output if item.get("status") != "in_progress"]
        response = self._made().snapshot("failed", error=error, output=done)
        # OpenAI reports it twice: its SDK raises on the first, others look for the second.
        full_error = {**error, "type": event.type or "server_error", "param": None}
        first = self._events.write("error", **error, param=None, error=full_error)
        return first + self._events.write("response.failed", response=response)

    def _end(self, event: Ended) -> bytes:
        wire = self._finish(self._finished)
        self._over = True
        moderation = response_moderation(event.extensions, self.losses)
        kept = {**event.extensions.get(NAME, {}), **moderation}
        reason, detail = self._finished.reason, self._finished.detail
        if reason == "other" and not self._made().is_own:
            self.losses.append(LOST_REASON)
        response = self._made().final(self._output, reason, detail, self._usage, kept)
        status = response["status"]
        known = status if status in ("incomplete", "failed") else "completed"
        return wire + self._events.write(f"response.{known}", response=response)

    _HANDLERS: ClassVar[dict[type, Callable[[Any, Any], bytes]]] = {
        Started: _begin,
        TextDelta: _text,
        RefusalDelta: _text,
        ReasoningDelta: _reasoning,
        ToolCallStarted: _call,
        ToolCallDelta: _arguments,
        AudioDelta: _audio,
        CitationAdded: _citation,
        PartAdded: _whole,
        Finished: _finish,
        UsageReported: _report,
        Failed: _fail,
        Ended: _end,
    }
