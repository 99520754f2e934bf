"""Writes canonical messages as the contents of a request."""

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from jackfield.dialects import Loss
from jackfield.messages import Message, ToolCall, ToolResult

from .fields import NAME, camel, carry, own
from .function_parts import write_result
from .model_turn import kept_contents
from .parts import PartsWriter
from .signatures import prove_calls, version_of

_SYSTEM = ("system", "developer")


@frozen
class Contents:
    """`contents` and `systemInstruction`; the latter is None without a system prompt."""

    contents: list[dict[str, Any]]
    system: dict[str, Any] | None


def write_contents(messages: Sequence[Message], model: str, losses: list[Loss]) -> Contents:
    """The conversation in Gemini's form: two roles, with system messages apart."""
    writer = _Conversation(model, losses)
    for i, message in enumerate(messages):
        writer.add(message, f"messages[{i}]")
    contents = writer.contents
    system = writer.system
    if not contents and system is not None:
        losses.append(Loss("messages.system", "messages", "approximated", "sent as the user's"))
        contents, system = [{"role": "user", "parts": system["parts"]}], None
    if not contents and not any(loss.breaks for loss in losses):
        detail = "all messages are empty"
        losses.append(Loss("messages.empty", "messages", "dropped", detail, breaks=True))
    prove_calls(contents, model)
    return Contents(contents, system)


class _Conversation:
    def __init__(self, model: str, losses: list[Loss]) -> None:
        self.contents: list[dict[str, Any]] = []
        self.system: dict[str, Any] | None = None
        self._losses = losses
        self._names: dict[str, str] = {}
        self._open: str | None = None
        version = version_of(model)
        self._media_in_results = version is not None and version >= (3, 0)

    def add(self, message: Message, path: str) -> None:
        if message.name is not None:
            self._losses.append(Loss("messages.name", path, "dropped"))
        if message.role in _SYSTEM:
            self._add_system(message, path)
            return
        for part in message.parts:
            if isinstance(part, ToolCall):
                self._names[part.id] = part.name
        kept = kept_contents(message)
        if kept:
            self.contents += [_spelt_out(content) for content in kept]
            self._open = None
            return
        parts = self._parts(message, path)
        if parts or NAME in message.extensions:
            self._append(message, parts)

    def _add_system(self, message: Message, path: str) -> None:
        parts = PartsWriter(path, self._losses, "system").add_all(message.parts)
        if not parts and NAME not in message.extensions:
            return
        if self.contents:
            detail = "moved before the conversation"
            self._losses.append(Loss("messages.system", path, "approximated", detail))
        if self.system is None:
            self.system = carry({"parts": []}, message.extensions)
        self.system["parts"] += parts

    def _append(self, message: Message, parts: list[dict[str, Any]]) -> None:
        """Append a content, or extend the last one: parallel results stay together."""
        role = "model" if message.role == "assistant" else "user"
        kept = own(message.extensions)
        mergeable = message.role if message.role in ("assistant", "tool") and not kept else None
        if mergeable is not None and mergeable == self._open:
            self.contents[-1]["parts"] += parts
            return
        self._open = mergeable
        given = kept.get("$role")
        content = {"role": given if given == "function" and role == "user" else role}
        self.contents.append(carry({**content, "parts": parts}, message.extensions))

    def _parts(self, message: Message, path: str) -> list[dict[str, Any]]:
        wire: list[dict[str, Any]] = []
        moved: list[dict[str, Any]] = []
        others = PartsWriter(path, self._losses, message.role)
        others.wire = wire
        for part in message.parts:
            if isinstance(part, ToolResult):
                response, media = self._result(part, path)
                wire.append({"functionResponse": response})
                moved += media
            else:
                others.add(part)
        others.close()
        return wire + moved

    def _result(self, result: ToolResult, path: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        name = self._names.get(result.tool_call_id) or result.name or result.tool_call_id
        if own(result.extensions) and result.name is not None:
            name = result.name
        response, media = write_result(result, name, path, self._losses)
        if not media:
            return response, []
        if self._media_in_results or NAME in result.extensions:
            return {**response, "parts": media}, []
        detail = "moved after the results"
        self._losses.append(Loss("tool_results.media", path, "approximated", detail))
        return response, media


def _spelt_out(content: dict[str, Any]) -> dict[str, Any]:
    """The original content with `parts` as an array and camel-case names, ready for signing."""
    parts = content.get("parts") or []
    listed = parts if isinstance(parts, list) else [parts]
    spelt = [{camel(key): value for key, value in part.items()} for part in listed]
    return {**content, "parts": spelt}
