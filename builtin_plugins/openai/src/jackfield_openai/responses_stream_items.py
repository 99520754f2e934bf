"""Output items while they stream: each writes its events from `added` to `done`."""

from typing import Any

import msgspec

from jackfield.messages import Reasoning

from .chat_tools import NO_ARGUMENTS
from .responses_content import JSON

encode = msgspec.json.Encoder().encode


class EventWriter:
    """Numbers the events of one stream."""

    __slots__ = ("sequence",)

    def __init__(self) -> None:
        self.sequence = 0

    def write(self, kind: str, **fields: Any) -> bytes:
        """One event."""
        data = encode({"type": kind, **fields, "sequence_number": self.sequence})
        self.sequence += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


class DeltaWriter:
    """Writes the deltas of one text and collects the text.

    Everything except the delta and its number is encoded once, because this runs per token.
    """

    __slots__ = ("_events", "_head", "_pieces", "_tail")

    def __init__(self, events: EventWriter, kind: str, place: JSON, tail: bytes = b"") -> None:
        self._events = events
        self._head = b'event: %b\ndata: {"type":"%b",%b,"delta":' % (
            kind.encode(),
            kind.encode(),
            encode(place)[1:-1],
        )
        self._tail = tail + b',"sequence_number":'
        self._pieces: list[str] = []

    def write(self, delta: str) -> bytes:
        """The event of one delta."""
        self._pieces.append(delta)
        number = self._events.sequence
        self._events.sequence = number + 1
        return b"%b%b%b%d}\n\n" % (self._head, encode(delta), self._tail, number)

    def keep(self, delta: str) -> None:
        """Collect a delta written elsewhere."""
        self._pieces.append(delta)

    def text(self) -> str:
        """All deltas together."""
        return "".join(self._pieces)


class OpenItem:
    """An item that has been added to the output and is not done yet."""

    def __init__(self, events: EventWriter, index: int, item: JSON) -> None:
        self.item = item
        self.index = index
        self.events = events
        self.place: JSON = {"item_id": item["id"], "output_index": index}

    def added(self) -> bytes:
        """The event that starts the item."""
        return self.events.write(
            "response.output_item.added", output_index=self.index, item=self.item
        )

    def finish(self) -> bytes:
        """The events that end what is open within the item."""
        return b""

    def done(self, status: str = "completed") -> bytes:
        """The events that end the item."""
        inner = self.finish()
        if self.item.get("status") == "in_progress":
            self.item["status"] = status
        return inner + self.events.write(
            "response.output_item.done", output_index=self.index, item=self.item
        )


class OpenMessage(OpenItem):
    """A message; one of its content parts is open at a time."""

    def __init__(self, events: EventWriter, index: int, item: JSON) -> None:
        super().__init__(events, index, item)
        self.content: list[JSON] = []
        self._block: JSON = {}
        self._writer: DeltaWriter | None = None

    def begin(self, kind: str) -> tuple[bytes, DeltaWriter]:
        """Begin a content part of `kind`, ending the previous one."""
        before = self.finish()
        place = {**self.place, "content_index": len(self.content)}
        if kind == "refusal":
            self._block = {"type": kind, "refusal": ""}
            self._writer = DeltaWriter(self.events, "response.refusal.delta", place)
        else:
            self._block = {"type": kind, "text": "", "annotations": [], "logprobs": []}
            self._writer = DeltaWriter(
                self.events, "response.output_text.delta", place, b',"logprobs":[]'
            )
        self.content.append(self._block)
        added = self.events.write("response.content_part.added", **place, part=self._block)
        return before + added, self._writer

    def delta(self, text: str, logprobs: list[Any]) -> bytes:
        """A delta of the open text with its log probabilities."""
        if self._writer is None:
            return b""
        self._writer.keep(text)
        self._block["logprobs"] += logprobs
        place = {**self.place, "content_index": len(self.content) - 1}
        return self.events.write(
            "response.output_text.delta", **place, delta=text, logprobs=logprobs
        )

    def cite(self, annotation: JSON) -> bytes:
        """Add an annotation to the open text."""
        annotations = self._block.setdefault("annotations", [])
        annotations.append(annotation)
        return self.events.write(
            "response.output_text.annotation.added",
            **self.place,
            content_index=len(self.content) - 1,
            annotation_index=len(annotations) - 1,
            annotation=annotation,
        )

    def whole(self, block: JSON) -> bytes:
        """Add a content part that has no deltas."""
        before = self.finish()
        self.content.append(block)
        place = {**self.place, "content_index": len(self.content) - 1}
        return (
            before
            + self.events.write("response.content_part.added", **place, part=block)
            + self.events.write("response.content_part.done", **place, part=block)
        )

    def finish(self) -> bytes:
        """The events that end the open content part, if there is one."""
        if self._writer is None:
            return b""
        text, block = self._writer.text(), self._block
        self._writer = None
        self.item["content"] = self.content
        place = {**self.place, "content_index": len(self.content) - 1}
        if block["type"] == "refusal":
            block["refusal"] = text
            ended = self.events.write("response.refusal.done", **place, refusal=text)
        else:
            block["text"] = text
            ended = self.events.write(
                "response.output_text.done", **place, text=text, logprobs=block["logprobs"]
            )
        return ended + self.events.write("response.content_part.done", **place, part=block)


class OpenReasoning(OpenItem):
    """Reasoning: summaries, thoughts, or both, one open at a time."""

    def __init__(self, events: EventWriter, index: int, item: JSON) -> None:
        super().__init__(events, index, item)
        self.reasoning = Reasoning()
        self._writer: DeltaWriter | None = None
        self._place: JSON = {}
        self._summary = True

    def begin(self, *, summary: bool) -> tuple[bytes, DeltaWriter]:
        """Begin a summary or a thought, ending the previous one."""
        before = self.finish()
        self._summary = summary
        if summary:
            self._place = {**self.place, "summary_index": len(self.item["summary"])}
            added = self.events.write(
                "response.reasoning_summary_part.added", **self._place, part=_summary("")
            )
            kind = "response.reasoning_summary_text.delta"
        else:
            self._place = {**self.place, "content_index": len(self.item.get("content", ()))}
            added = self.events.write(
                "response.content_part.added", **self._place, part=_thought("")
            )
            kind = "response.reasoning_text.delta"
        self._writer = DeltaWriter(self.events, kind, self._place)
        return before + added, self._writer

    def finish(self) -> bytes:
        """The events that end the open summary or thought, if there is one."""
        if self._writer is None:
            return b""
        text = self._writer.text()
        self._writer = None
        write, place = self.events.write, self._place
        if self._summary:
            self.item["summary"] = [*self.item["summary"], _summary(text)]
            return write("response.reasoning_summary_text.done", **place, text=text) + write(
                "response.reasoning_summary_part.done", **place, part=_summary(text)
            )
        self.item["content"] = [*self.item.get("content", ()), _thought(text)]
        return write("response.reasoning_text.done", **place, text=text) + write(
            "response.content_part.done", **place, part=_thought(text)
        )


def _summary(text: str) -> JSON:
    return {"type": "summary_text", "text": text}


def _thought(text: str) -> JSON:
    return {"type": "reasoning_text", "text": text}


class OpenCall(OpenItem):
    """A tool call whose arguments stream."""

    def __init__(self, events: EventWriter, index: int, item: JSON) -> None:
        super().__init__(events, index, item)
        custom = item["type"] == "custom_tool_call"
        self._body = "input" if custom else "arguments"
        self._kind = "custom_tool_call_input" if custom else "function_call_arguments"
        self.writer = DeltaWriter(events, f"response.{self._kind}.delta", self.place)

    def finish(self) -> bytes:
        """The event that ends the arguments."""
        text, delta, named = self.writer.text(), b"", {}
        if self._body == "arguments":
            named = {"name": self.item["name"]}
            if not text:
                text, delta = NO_ARGUMENTS, self.writer.write(NO_ARGUMENTS)
        self.item[self._body] = text
        return delta + self.events.write(
            f"response.{self._kind}.done", **self.place, **named, **{self._body: text}
        )
