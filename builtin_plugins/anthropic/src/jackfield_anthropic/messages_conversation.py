"""Reads the system prompt and the messages of a Messages request into canonical messages.

A user's turn with tool results becomes several messages, the results with role `tool`; a note on
the later ones marks that they belong together.
"""

from itertools import groupby
from typing import Any

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields
from jackfield.messages import Message, Part, Role, ToolResult

from .fields import CONTENT, NAME, THREAD
from .messages_blocks import read_content
from .messages_usual import usual_message

SYSTEM = "$system"
"""The note on a message that came as `system`."""
JOINED = "$joined"
"""The note on a message that was part of the previous one."""

_KNOWN = ("role", "content")


def read_conversation(fields: Fields) -> tuple[tuple[Message, ...], list[Message]]:
    """All messages, and those of them that have an unusual shape.

    Raises InvalidRequest that names the invalid field.
    """
    listed = fields.rest.pop("messages", None)
    if not isinstance(listed, list) or not (listed or THREAD in fields.rest):
        raise fields.wrong("messages", "an array of at least one message")
    messages, unusual = [], []
    system = fields.rest.pop("system", None)
    if system is not None:
        messages.append(_read_system(system))
        unusual += [] if isinstance(system, str) else messages
    for i, item in enumerate(listed):
        usual = usual_message(item)
        if usual is None:
            read = _read_message(item, f"messages[{i}]")
            messages += read
            unusual += read
        else:
            messages.append(usual)
    return tuple(messages), unusual


def _read_system(system: Any) -> Message:
    note = {SYSTEM: True, CONTENT: "text" if isinstance(system, str) else "list"}
    parts = tuple(read_content(system, "system"))
    return Message("system", parts, extensions={NAME: note})


def _read_message(wire: Any, path: str) -> list[Message]:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be a JSON object.", param=path)
    role: Any = wire.get("role")
    content = wire.get("content")
    if role not in ("user", "assistant", "system"):
        raise InvalidRequest(
            f"'{path}.role' must be user, assistant or system.", param=f"{path}.role"
        )
    silent = role == "system" and content is None and "output_config" in wire
    parts = [] if silent else read_content(content, f"{path}.content")
    if role == "user" and not parts:
        raise InvalidRequest(f"'{path}.content' must not be empty.", param=f"{path}.content")
    note: dict[str, Any] = {key: value for key, value in wire.items() if key not in _KNOWN}
    note[CONTENT] = None if silent else "text" if isinstance(content, str) else "list"
    if role == "user":
        results = [part for part in parts if isinstance(part, ToolResult)]
        if results and len(results) < len(parts):
            return _split(parts, note)
        role = "tool" if results else role
    return [Message(role, tuple(parts), extensions={NAME: note})]


def _split(parts: list[Part], note: dict[str, Any]) -> list[Message]:
    """Separate tool results from the user's other content."""
    messages = []
    for are_results, run in groupby(parts, key=lambda part: isinstance(part, ToolResult)):
        role: Role = "tool" if are_results else "user"
        messages.append(Message(role, tuple(run), extensions={NAME: note}))
        note = {JOINED: True}
    return messages
