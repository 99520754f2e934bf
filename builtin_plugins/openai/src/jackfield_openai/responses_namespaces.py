"""Functions that stand in a namespace, which other dialects know by one name that says both.

A tool of the type `namespace` groups functions; a call of one names the function and its namespace.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec.structs import replace

from jackfield.messages import Extensions, Opaque, Tool

from .responses_content import JSON, own, rest, riding

Tools = Iterable[Tool | Opaque]
_SPACE: Final = "$namespace"
"""Notes what a tool's namespace says of itself."""
_NAME: Final = "$name"
"""Notes a tool's name within its namespace."""
_KINDS: Final = ("function", "custom")


def full_name(namespace: Any, name: str) -> str:
    """The name that other dialects know; a function that is its own namespace has one already."""
    if not isinstance(namespace, str) or namespace in ("", name):
        return name
    return f"{namespace}{name}" if namespace.endswith("_") else f"{namespace}__{name}"


def is_namespace(tool: JSON) -> bool:
    """Whether a tool is a namespace of functions and free-form tools alone."""
    inner = tool.get("tools")
    return (
        tool.get("type") == "namespace"
        and isinstance(tool.get("name"), str)
        and isinstance(inner, list)
        and inner != []
        and all(isinstance(one, dict) and one.get("type") in _KINDS for one in inner)
    )


def take_apart(tool: JSON, path: str, parse: Callable[[Any, str], Tool]) -> list[Tool]:
    """The tools of a namespace, each with a note of it."""
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
    """Append a tool, in its namespace if it has one."""
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
    """What the namespaces of tools say of themselves, which a function's name cannot."""
    spaces = [own(tool.extensions).get(_SPACE) for tool in tools if isinstance(tool, Tool)]
    return (space["description"] for space in spaces if space and space.get("description"))


def known_name(name: str, tools: Tools) -> str:
    """The name that other dialects know of a function that is named without its namespace."""
    named = [tool for tool in tools if isinstance(tool, Tool)]
    if any(tool.name == name for tool in named):
        return name
    return next((tool.name for tool in named if own(tool.extensions).get(_NAME) == name), name)


def called(name: str, extensions: Extensions, tools: Tools = ()) -> JSON:
    """The `name` of a function, and its `namespace`: of a call that came so, or of one's tools."""
    space = own(extensions).get("namespace")
    if space:
        return {"name": name.removeprefix(full_name(space, "")) or name, "namespace": space}
    for tool in tools:
        if isinstance(tool, Tool) and tool.name == name:
            kept = own(tool.extensions)
            if _SPACE in kept:
                return {"name": kept[_NAME], "namespace": kept[_SPACE]["name"]}
    return {"name": name}
