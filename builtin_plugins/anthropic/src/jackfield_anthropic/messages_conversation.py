"""The system prompt and the messages of a Messages request, read into canonical messages.

A user's turn that holds results of tools becomes several messages, the results under role `tool`;
a note on the later ones says that they belong together.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from jackfield.errors import InvalidRequest
from jackfield.fields import Fields
from jackfield.messages import Message, Part, Role, Text, ToolResult

from .fields import NAME
from .messages_blocks import read_content

SYSTEM = "$system"
"""Notes the message that stood beside the conversation, as `system`."""
JOINED = "$joined"
"""Notes a message that is one with the one before it."""
CONTENT = "$content"
"""Notes whether content was a string or an array."""

_KNOWN = ("role", "content")


def read_conversation(fields: Fields) -> tuple[Message, ...]:
    """All messages. Raises InvalidRequest, naming the field that has no meaning."""
    listed = fields.rest.pop("messages", None)
    if not isinstance(listed, list) or not listed:
        raise fields.wrong("messages", "an array of at least one message")
    messages = list(_read_system(fields))
    for i, item in enumerate(listed):
        messages += _read_message(item, f"messages[{i}]")
    return tuple(messages)


def _read_system(fields: Fields) -> Iterator[Message]:
    system = fields.rest.pop("system", None)
    if system is None:
        return
    parts = read_content(system, "system")
    note = {SYSTEM: True, CONTENT: _shape(system)}
    yield Message("system", tuple(parts), extensions={NAME: note})


def _shape(content: Any) -> str:
    return "text" if isinstance(content, str) else "list"


def _read_message(wire: Any, path: str) -> list[Message]:
    if not isinstance(wire, dict):
        raise InvalidRequest(f"'{path}' must be a JSON object.", param=path)
    role: Any = wire.get("role")
    content = wire.get("content")
    if role not in ("user", "assistant", "system"):
        raise InvalidRequest(
            f"'{path}.role' must be user, assistant or system.", param=f"{path}.role"
        )
    if type(content) is str and content and len(wire) == len(_KNOWN):
        return [Message(role, (Text(content),), extensions={NAME: {CONTENT: "text"}})]
    parts = read_content(content, f"{path}.content")
    if role == "user" and not parts:
        raise InvalidRequest(f"'{path}.content' says nothing.", param=f"{path}.content")
    note: dict[str, Any] = {CONTENT: _shape(content)}
    if len(wire) > len(_KNOWN):
        note = {**{key: value for key, value in wire.items() if key not in _KNOWN}, **note}
    if role == "user":
        results = [part for part in parts if isinstance(part, ToolResult)]
        if results and len(results) < len(parts):
            return _split(parts, note)
        role = "tool" if results else role
    return [Message(role, tuple(parts), extensions={NAME: note})]


def _split(parts: list[Part], note: dict[str, Any]) -> list[Message]:
    """The results of tools apart from what the user says."""
    messages = []
    for are_results, run in groupby(parts, key=lambda part: isinstance(part, ToolResult)):
        role: Role = "tool" if are_results else "user"
        messages.append(Message(role, tuple(run), extensions={NAME: note}))
        note = {JOINED: True}
    return messages
