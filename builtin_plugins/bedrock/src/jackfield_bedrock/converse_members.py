"""Members of a Converse request that have several forms, but one canonical form.

What is understood is removed from the body and recorded in its original form, so that it can be
restored as long as it still means the same.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from attrs import frozen

from jackfield.fields import own
from jackfield.messages import ChatRequest

from .converse_names import NAME

T = TypeVar("T")
Tree = dict[str, Any]
Path = tuple[str, ...]
ADDITIONAL = "additionalModelRequestFields"


@frozen
class Member(Generic[T]):
    """One canonical field, the `paths` where it may be, and how to `read` them."""

    field: str
    paths: Sequence[Path]
    read: Callable[[Tree], T | None]

    def take(self, rest: Tree) -> T | None:
        """The value, removed from `rest`, where a note keeps its original form."""
        original: Tree = {}
        for path in self.paths:
            value = at(rest, path)
            if value is not None:
                merge(original, nested(path, value))
        found = self.read(original) if original else None
        if found is not None:
            for path in self.paths:
                remove(rest, path)
            rest[f"${self.field}"] = original
        return found

    def kept(self, request: ChatRequest) -> Tree | None:
        """The original form; None if it came in another dialect or has changed since."""
        original: Tree | None = own(request.extensions, NAME).get(f"${self.field}")
        if original is None or self.read(original) != getattr(request, self.field):
            return None
        return original


def at(tree: Any, path: Path) -> Any:
    """The value at a path; None if there is none."""
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree


def nested(path: Path, value: Any) -> Tree:
    """A tree with one value at a path."""
    for key in reversed(path):
        value = {key: value}
    tree: Tree = value
    return tree


def remove(tree: Tree, path: Path) -> None:
    """Remove a value from a tree, with objects left empty; inner objects are copied."""
    key, more = path[0], path[1:]
    if key not in tree:
        return
    inner = tree.pop(key)
    if more and isinstance(inner, dict):
        inner = dict(inner)
        remove(inner, more)
        if inner:
            tree[key] = inner
    elif more:
        tree[key] = inner


def merge(tree: Tree, piece: Mapping[str, Any]) -> None:
    """Merge a piece into a tree; objects are joined, and existing values stay."""
    for key, value in piece.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            inner = dict(tree[key])
            merge(inner, value)
            tree[key] = inner
        elif key not in tree:
            tree[key] = value
