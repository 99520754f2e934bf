"""Open content blocks of a Messages stream: each writes its start, its deltas and its stop."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from jackfield.events import ReasoningDelta, ToolCallStarted
from jackfield.messages import Reasoning
from jackfield.proofs import seal

from .fields import NAME, UNREADABLE, own
from .messages_blocks import new_call_id

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_SUMMED_UP = ("content", "encrypted_content")
_DELTA = b'{"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}'


class BlockStream:
    """A block at its index in the message; it exists once it has been written to."""

    def __init__(self, write: Callable[[str, bytes], bytes], index: int, part: int) -> None:
        self.part = part
        self.index = index
        self.begun = False
        self._write = write

    def whole(self, block: Mapping[str, Any]) -> bytes:
        """A block that only Anthropic knows; some of these stream their contents."""
        if block.get("input") and str(block["type"]).endswith("tool_use"):
            given = _encode(_encode(block["input"]).decode())
            return self.start({**block, "input": {}}) + self.delta(
                b"input_json_delta", b"partial_json", given
            )
        if block.get("type") == "compaction":
            members = {key: block[key] for key in _SUMMED_UP if key in block}
            delta = {"type": "compaction_delta", **members}
            event = {"type": "content_block_delta", "index": self.index, "delta": delta}
            begun = self.start({**block, **dict.fromkeys(members)})
            return begun + self._write("content_block_delta", _encode(event))
        return self.start(block)

    def start(self, block: Mapping[str, Any]) -> bytes:
        """The event that begins the block."""
        self.begun = True
        event = {"type": "content_block_start", "index": self.index, "content_block": block}
        return self._write("content_block_start", _encode(event))

    def delta(self, kind: bytes, member: bytes, value: bytes) -> bytes:
        """The event of one delta, whose value is already JSON."""
        return self._write("content_block_delta", _DELTA % (self.index, kind, member, value))

    def is_whole(self) -> bool:
        """Whether it is complete."""
        return True

    def close(self) -> bytes:
        """The event that ends the block, if it ever began."""
        if not self.begun:
            return b""
        return self._write(
            "content_block_stop", b'{"type":"content_block_stop","index":%d}' % self.index
        )


class TextStream(BlockStream):
    """A text with its citations."""

    def text(self, text: str) -> bytes:
        """More of the text."""
        return self._begin() + self.delta(b"text_delta", b"text", _encode(text))

    def cite(self, citation: Mapping[str, Any]) -> bytes:
        """One citation."""
        return self._begin() + self.delta(b"citations_delta", b"citation", _encode(citation))

    def _begin(self) -> bytes:
        return b"" if self.begun else self.start({"type": "text", "text": ""})


class CallStream(BlockStream):
    """A tool call. Free text, as other dialects' custom tools take it, is wrapped in JSON."""

    def __init__(self, write: Callable[[str, bytes], bytes], index: int, part: int) -> None:
        super().__init__(write, index, part)
        self._pieces: list[str] = []
        self._custom = False

    def call(self, event: ToolCallStarted) -> bytes:
        """The call without its input."""
        self._custom = event.kind == "custom"
        block = {
            "type": "tool_use",
            "id": event.id or new_call_id(),
            "name": event.name,
            "input": {},
        }
        kept = {key: value for key, value in own(event.extensions).items() if key[:1] != "$"}
        return self.start({**block, **kept})

    def more(self, arguments: str) -> bytes:
        """More of the input."""
        if not arguments:
            return b""
        if self._custom:
            begin = "" if self._pieces else '{"input":"'
            arguments = begin + _encode(arguments).decode()[1:-1]
        self._pieces.append(arguments)
        return self._input(arguments)

    def _input(self, text: str) -> bytes:
        return self.delta(b"input_json_delta", b"partial_json", _encode(text))

    def is_whole(self) -> bool:
        """Whether the input is complete JSON; empty input may still be to come."""
        try:
            _decode("".join(self._pieces))
        except UNREADABLE:
            return False
        return True

    def close(self) -> bytes:
        """The rest of the JSON wrapper, and the end."""
        wire = self._input('"}') if self._custom and self._pieces else b""
        return wire + super().close()


class ThoughtStream(BlockStream):
    """A thought. Anthropic's own is written as it arrives, another vendor's sealed at its end."""

    def __init__(self, write: Callable[[str, bytes], bytes], index: int, part: int) -> None:
        super().__init__(write, index, part)
        self._is_own = False
        self._proof: dict[str, Any] = {}
        self._extensions: dict[str, dict[str, Any]] = {}

    def think(self, event: ReasoningDelta) -> bytes:
        """More of the thought or of its proof."""
        if NAME not in event.extensions:
            self._keep(event)
            return self._thinking(event.text)
        self._is_own = True
        if event.encrypted is not None and not event.text and not self.begun:
            return self.start({"type": "redacted_thinking", "data": event.encrypted})
        wire = self._thinking(event.text)
        return wire + self._sign(event.signature) if event.signature else wire

    def _thinking(self, text: str) -> bytes:
        if not text:
            return b""
        return self._begin() + self.delta(b"thinking_delta", b"thinking", _encode(text))

    def _sign(self, signature: str) -> bytes:
        return self._begin() + self.delta(b"signature_delta", b"signature", _encode(signature))

    def _begin(self) -> bytes:
        empty = {"type": "thinking", "thinking": "", "signature": ""}
        return b"" if self.begun else self.start(empty)

    def _keep(self, event: ReasoningDelta) -> None:
        for key in ("id", "signature", "encrypted", "summary"):
            if value := getattr(event, key):
                self._proof[key] = value
        for name, members in event.extensions.items():
            kept = self._extensions.setdefault(name, {})
            for key, value in members.items():
                both = isinstance(value, list) and isinstance(kept.get(key), list)
                kept[key] = kept[key] + value if both and key[:1] != "$" else value

    def close(self) -> bytes:
        """The seal of a foreign thought, and the end."""
        if self._is_own:
            return super().close()
        thought = Reasoning(**self._proof, extensions=self._extensions)
        if self.begun:
            return self._sign(seal(thought, unproven=True) or "") + super().close()
        proof = seal(thought)
        if proof is None:
            return b""
        return self.start({"type": "redacted_thinking", "data": proof}) + super().close()
