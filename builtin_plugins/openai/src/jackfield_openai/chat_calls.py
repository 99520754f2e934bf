"""Reads the tool calls of one choice of a streamed chat answer."""

from collections.abc import Callable, Mapping
from typing import Any

from jackfield.errors import ProviderError
from jackfield.events import ReasoningDelta, StreamEvent, ToolCallDelta, ToolCallStarted
from jackfield.messages import Reasoning

from .chat_google import KEY as EXTRA_CONTENT
from .chat_google import read_signature
from .chat_parts import NAME
from .chat_tools import LEGACY, arguments_text, new_call_id, unused_id

_KNOWN = frozenset(("id", "type", "index", "function", "custom"))
_NOTHING = (None, "")
_LEGACY_SLOT = -1
Events = list[StreamEvent]
Delta = Mapping[str, Any]


class CallReader:
    """Assigns deltas to calls, and decides when a call begins; `begin` numbers its part.

    Raises ProviderError for a malformed call.
    """

    __slots__ = ("_begin", "_choice", "_held", "_ids", "_parts", "_taken")

    def __init__(self, choice: int, begin: Callable[[], int]) -> None:
        self._choice = choice
        self._begin = begin
        self._parts: dict[int, int] = {}
        self._ids: dict[int, Any] = {}
        self._held: dict[int, list[Delta]] = {}
        self._taken: set[str] = set()

    def read(self, calls: list[Any], out: Events) -> None:
        """Append the events of one delta's `tool_calls`."""
        for wire in calls:
            inner = _inner(wire)
            if not isinstance(inner, dict):
                raise ProviderError("The provider sent a tool call without a function.")
            slot = self._slot(wire, inner)
            if slot in self._parts and not self._is_another(slot, wire, inner):
                self._arguments(slot, inner, out)
                continue
            held = self._held.setdefault(slot, [])
            held.append(wire)
            if inner.get("name"):  # vLLM and others send it after the first arguments
                del self._held[slot]
                self._start(slot, held, out)

    def read_legacy(self, wire: Delta, out: Events) -> None:
        """Append the events of one delta's `function_call`."""
        if _LEGACY_SLOT not in self._parts:
            part = self._parts[_LEGACY_SLOT] = self._begin()
            name, note = str(wire.get("name") or ""), {NAME: {LEGACY: True}}
            out.append(ToolCallStarted(part, new_call_id(), name, self._choice, extensions=note))
        self._arguments(_LEGACY_SLOT, wire, out)

    def close(self) -> bool:
        """Report the rest, and return whether there were any calls."""
        if self._held:
            raise ProviderError("The provider sent a tool call without a name.")
        return bool(self._parts)

    def _slot(self, wire: Delta, inner: Delta) -> int:
        index = wire.get("index")
        if isinstance(index, int):
            return index
        # Without an index, only a name starts another call.
        return len(self._parts) if inner.get("name") or not self._parts else max(self._parts)

    def _is_another(self, slot: int, wire: Delta, inner: Delta) -> bool:
        """Whether a call begins at an index already in use; Gemini's used to be all at 0."""
        identity = wire.get("id")
        return bool(identity and inner.get("name")) and self._ids.get(slot) not in (None, identity)

    def _start(self, slot: int, held: list[Delta], out: Events) -> None:
        wire = {key: one for delta in held for key, one in delta.items() if one not in _NOTHING}
        thought = read_signature(wire.get(EXTRA_CONTENT), of_call=True)
        if thought is not None:
            out.append(signature_delta(thought, self._begin(), self._choice))
            del wire[EXTRA_CONTENT]
        rest = {key: value for key, value in wire.items() if key not in _KNOWN}
        self._ids[slot] = wire.get("id")
        part = self._parts[slot] = self._begin()
        started = ToolCallStarted(
            part=part,
            id=unused_id(str(wire.get("id") or new_call_id()), self._taken),
            name=str(_inner(held[-1])["name"]),
            choice=self._choice,
            kind="custom" if wire.get("type") == "custom" else "function",
            extensions={NAME: rest} if rest else {},
        )
        out.append(started)
        for delta in held:
            self._arguments(slot, _inner(delta), out)

    def _arguments(self, slot: int, inner: Delta, out: Events) -> None:
        text = arguments_text(inner.get("arguments", inner.get("input")))
        if text:
            out.append(ToolCallDelta(self._parts[slot], text, self._choice))


def _inner(wire: Any) -> Any:
    """The function or custom tool of a call; None if there is neither."""
    return wire.get("function") or wire.get("custom") or {} if type(wire) is dict else None


def signature_delta(thought: Reasoning, part: int, choice: int) -> ReasoningDelta:
    """The event of a thought that has only a proof."""
    extensions = thought.extensions
    return ReasoningDelta(part, "", choice, signature=thought.signature, extensions=extensions)
