"""Calls of free-form tools, which other dialects see as functions with one text argument."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import StreamRenderer
from jackfield.events import Ended, Finished, StreamEvent, ToolCallDelta, ToolCallStarted
from jackfield.messages import Choice, Opaque, Part, Tool, ToolCall

from .failures import UNREADABLE

Tools = Iterable[Tool | Opaque]
_ARGUMENT: Final = "input"
_decode = msgspec.json.Decoder().decode


def restored_choice(choice: Choice, tools: Tools) -> Choice:
    """The choice, with calls of free-form tools as custom calls."""
    names = _free_form(tools)
    if not names:
        return choice
    parts = [_restored(part, names) for part in choice.message.parts]
    return replace(choice, message=replace(choice.message, parts=tuple(parts)))


def restored_stream(renderer: StreamRenderer, tools: Tools) -> StreamRenderer:
    """A renderer that turns calls of free-form tools into custom calls."""
    names = _free_form(tools)
    return _RestoringStream(renderer, names) if names else renderer


def _free_form(tools: Tools) -> set[str]:
    return {tool.name for tool in tools if isinstance(tool, Tool) and tool.kind == "custom"}


def _restored(part: Part, names: set[str]) -> Part:
    if not isinstance(part, ToolCall) or part.kind == "custom" or part.name not in names:
        return part
    return replace(part, kind="custom", arguments=_text_in(part.arguments))


def _text_in(arguments: str) -> str:
    try:
        given = _decode(arguments)
    except UNREADABLE:
        return arguments
    text = given.get(_ARGUMENT) if isinstance(given, dict) else None
    return text if isinstance(text, str) else arguments


class _RestoringStream:
    """Holds back the input of such calls until the answer is complete."""

    def __init__(self, renderer: StreamRenderer, names: set[str]) -> None:
        self.losses = renderer.losses
        self._render = renderer.render
        self._names = names
        self._held: dict[tuple[int, int], str] = {}

    def render(self, event: StreamEvent) -> bytes:
        """The wire form of one canonical event; empty if it has none."""
        if isinstance(event, Finished | Ended):
            return b"".join(map(self._render, self._released())) + self._render(event)
        if isinstance(event, ToolCallStarted) and event.name in self._names:
            if event.kind == "function":
                self._held[event.choice, event.part] = ""
            return self._render(replace(event, kind="custom"))
        if isinstance(event, ToolCallDelta) and (event.choice, event.part) in self._held:
            self._held[event.choice, event.part] += event.arguments
            return b""
        return self._render(event)

    def _released(self) -> Iterator[ToolCallDelta]:
        held, self._held = self._held, {}
        for (choice, part), arguments in held.items():
            if arguments:
                yield ToolCallDelta(part, _text_in(arguments), choice)
