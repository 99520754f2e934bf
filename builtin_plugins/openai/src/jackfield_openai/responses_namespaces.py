"""Functions in namespaces; other dialects see one name that contains both.

A tool of type `namespace` groups functions; a call of one has a function name and a namespace.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec.structs import replace

from jackfield.messages import Extensions, Opaque, Tool

from .responses_content import JSON, own, rest, riding

Tools = Iterable[Tool | Opaque]
_SPACE: Final = "$namespace"
"""The note with the members of a tool's namespace."""
_NAME: Final = "$name"
"""The note with a tool's name within its namespace."""
_KINDS: Final = ("function", "custom")


def full_name(namespace: Any, name: str) -> str:
    """The name in other dialects; unchanged for a function that is its own namespace."""
    if not isinstance(namespace, str) or namespace in ("", name):
        return name
    return f"{namespace}{name}" if namespace.endswith("_") else f"{namespace}__{name}"


def is_namespace(tool: JSON) -> bool:
    """Whether a tool is a namespace that holds only functions and free-form tools."""
    inner = tool.get("tools")
    return (
        tool.get("type") == "namespace"
        and isinstance(tool.get("name"), str)
        and isinstance(inner, list)
        and inner != []
        and all(isinstance(one, dict) and one.get("type") in _KINDS for one in inner)
    )


def take_apart(tool: JSON, path: str, parse: Callable[[Any, str], Tool]) -> list[Tool]:
    """The tools of a namespace, each annotated with it."""
    inner = [parse(one, f"{path}.tools[{i}]") for i, one in enumerate(tool["tools"])]
    space = rest(tool, "tools")
    return [
        replace(
            one,
            name=full_name(tool["name"], one.name),
            extensions=riding({**own(one.extensions), _SPACE: space, _NAME: one.name}),
        )
        for one in inner
    ]


def put(wire: JSON, tool: Tool, rendered: list[JSON]) -> None:
    """Append a tool, within its namespace if it has one."""
    kept = own(tool.extensions)
    space = kept.get(_SPACE)
    if space is None:
        rendered.append(wire)
        return
    wire["name"] = kept[_NAME]
    if rendered and rest(rendered[-1], "tools") == space:
        rendered[-1]["tools"].append(wire)
    else:
        rendered.append({**space, "tools": [wire]})


def descriptions(tools: Tools) -> Iterable[str]:
    """The descriptions of the tools' namespaces, which function names cannot carry."""
    spaces = [own(tool.extensions).get(_SPACE) for tool in tools if isinstance(tool, Tool)]
    return (space["description"] for space in spaces if space and space.get("description"))


def known_name(name: str, tools: Tools) -> str:
    """The name in other dialects of a function named without its namespace."""
    named = [tool for tool in tools if isinstance(tool, Tool)]
    if any(tool.name == name for tool in named):
        return name
    return next((tool.name for tool in named if own(tool.extensions).get(_NAME) == name), name)


def called(name: str, extensions: Extensions, tools: Tools = ()) -> JSON:
    """The `name` and `namespace` of a call, from its own extensions or from its tool."""
    space = own(extensions).get("namespace")
    if space:
        return {"name": name.removeprefix(full_name(space, "")) or name, "namespace": space}
    for tool in tools:
        if isinstance(tool, Tool) and tool.name == name:
            kept = own(tool.extensions)
            if _SPACE in kept:
                return {"name": kept[_NAME], "namespace": kept[_SPACE]["name"]}
    return {"name": name}
