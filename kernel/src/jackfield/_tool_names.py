"""Replaces names of tools that a provider does not accept, and restores them in its answers."""

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
_CLIENT_NAMES: Final = "jackfield.tool_names"
_WITH_NAME: Final = frozenset((Tool, ToolCall, ToolCallStarted, ToolResult))
_CONTAINERS: Final = ("choices", "message", "messages", "parts", "tool_choice", "tools", "value")
"""Fields in which canonical values contain tools, calls and results."""

_REPLACED: Final = re.compile(r"^\d|\W", re.ASCII)


def with_accepted_names(exchange: Exchange, request: ChatRequest, dialect: Dialect) -> ChatRequest:
    """The request with names that the dialect accepts.

    A substitute depends on the replaced name alone, unless another tool has that name already:
    prompts stay the same from turn to turn, which providers' caches need.
    """
    if not dialect.tool_names:
        return request
    is_accepted = re.compile(dialect.tool_names).fullmatch
    parts: list[Any] = [*request.tools, *parts_of(*request.messages)]
    known = {part.name for part in parts if type(part) in _WITH_NAME}
    names: dict[str, str] = {}
    for name in sorted(name for name in known if name is not None and not is_accepted(name)):
        names[name] = substitute(name, known)
        known.add(names[name])
    exchange.state[_CLIENT_NAMES, dialect] = {sent: name for name, sent in names.items()}
    return _renamed(request, names) if names else request


def restoring_names(exchange: Exchange, source: Dialect | None, render: _Render[_T]) -> _Render[_T]:
    """`render`, with the client's names restored first; `source` is the provider's dialect."""
    names = exchange.state.get((_CLIENT_NAMES, source))
    # Usually there is no name to restore, and rendering an event takes no further call.
    return (lambda value, *more: render(_renamed(value, names), *more)) if names else render


def substitute(name: str, taken: Container[str | None]) -> str:
    """The name that is sent in place of one that is not accepted: readable, and always the same.

    It has at most 64 letters, digits and underscores, which every vendor accepts.
    """
    # The end of a name tells tools apart: those of MCP servers often begin with the server's name.
    plain = _REPLACED.sub("_", name[-55:])
    digest = sha256(name.encode())
    while (sent := f"{plain}_{digest.hexdigest()[:8]}") in taken:
        digest.update(b"+")
    return sent


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A canonical value with the tools renamed that are in `names`."""
    if isinstance(value, tuple):
        return tuple([_renamed(one, names) for one in value])
    if type(value) in _WITH_NAME:
        return replace(value, name=names.get(value.name or "", value.name))
    if isinstance(value, ToolChoice):
        return replace(value, names=tuple([names.get(name, name) for name in value.names]))
    fields = getattr(value, "__struct_fields__", ())
    changed = {key: _renamed(getattr(value, key), names) for key in _CONTAINERS if key in fields}
    return replace(value, **changed) if changed else value
