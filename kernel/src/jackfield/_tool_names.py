"""Gives tools names that a provider accepts, and its answers the client's own names."""

import re
from collections.abc import Callable, Container, Mapping
from hashlib import sha256
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from jackfield._shortfalls import parts_of
from jackfield.dialects import Dialect
from jackfield.events import ToolCallStarted
from jackfield.exchange import Exchange
from jackfield.messages import ChatRequest, Tool, ToolCall, ToolChoice, ToolResult

_T = TypeVar("_T")
_Render = Callable[..., _T]
_NAMES: Final = "jackfield.tool_names"
_NAMED: Final = frozenset((Tool, ToolCall, ToolCallStarted, ToolResult))
_HOLDERS: Final = ("choices", "message", "messages", "parts", "tool_choice", "tools", "value")
"""Fields in which canonical values contain tools, calls and results."""

_REPLACED: Final = re.compile(r"^\d|\W", re.ASCII)


def accepted(exchange: Exchange, request: ChatRequest, dialect: Dialect) -> ChatRequest:
    """The request with names that the dialect accepts; `restoring` gives the client its own.

    What a name becomes depends on that name alone, unless another tool is called so already:
    prompts stay the same from turn to turn.
    """
    if not dialect.tool_names:
        return request
    is_accepted = re.compile(dialect.tool_names).fullmatch
    parts: list[Any] = [*request.tools, *parts_of(*request.messages)]
    known = {part.name for part in parts if type(part) in _NAMED}
    names: dict[str, str] = {}
    for name in sorted(name for name in known if name is not None and not is_accepted(name)):
        names[name] = substitute(name, known)
        known.add(names[name])
    exchange.state[_NAMES, dialect] = {sent: name for name, sent in names.items()}
    return _renamed(request, names) if names else request


def restoring(exchange: Exchange, source: Dialect | None, render: _Render[_T]) -> _Render[_T]:
    """What renders an answer, or an event of one, with the client's names; it came in `source`."""
    names = exchange.state.get((_NAMES, source))
    # Without a name to restore, which is the rule, nothing is between the event and its rendering.
    return (lambda value, *more: render(_renamed(value, names), *more)) if names else render


def substitute(name: str, taken: Container[str | None]) -> str:
    """The name that is sent in the place of one that is refused: readable, and always the same.

    It has at most 64 letters, digits and underscores, which no vendor refuses.
    """
    # The end of a name says most: names of MCP servers' tools often begin with the server's.
    plain = _REPLACED.sub("_", name[-55:])
    digest = sha256(name.encode())
    while (sent := f"{plain}_{digest.hexdigest()[:8]}") in taken:
        digest.update(b"+")
    return sent


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A canonical value with the names of tools changed that are known."""
    if isinstance(value, tuple):
        return tuple([_renamed(one, names) for one in value])
    if type(value) in _NAMED:
        return replace(value, name=names.get(value.name or "", value.name))
    if isinstance(value, ToolChoice):
        return replace(value, names=tuple([names.get(name, name) for name in value.names]))
    fields = getattr(value, "__struct_fields__", ())
    held = {key: _renamed(getattr(value, key), names) for key in _HOLDERS if key in fields}
    return replace(value, **held) if held else value
