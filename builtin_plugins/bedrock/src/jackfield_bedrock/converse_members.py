"""Members of a Converse request that say in several forms what the canonical request says in one.

What is understood is taken out of the body and noted as it came, so that it can be put back in the
same form as long as it still means the same.
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
    """One canonical field, the `paths` at which it may stand, and how to `read` what they hold."""

    field: str
    paths: Sequence[Path]
    read: Callable[[Tree], T | None]

    def take(self, rest: Tree) -> T | None:
        """Its value, taken out of `rest`, where a note stays of how it was said."""
        said: Tree = {}
        for path in self.paths:
            value = at(rest, path)
            if value is not None:
                merge(said, nested(path, value))
        found = self.read(said) if said else None
        if found is not None:
            for path in self.paths:
                remove(rest, path)
            rest[f"${self.field}"] = said
        return found

    def kept(self, request: ChatRequest) -> Tree | None:
        """How it was said, None when it was in another dialect or has been changed since."""
        said: Tree | None = own(request.extensions, NAME).get(f"${self.field}")
        if said is None or self.read(said) != getattr(request, self.field):
            return None
        return said


def at(tree: Any, path: Path) -> Any:
    """What stands at a path, None when there is nothing."""
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
    """Take a value out of a tree, with the objects that are empty then; inner ones are copied."""
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
    """Put a piece into a tree; objects are joined, and what is there already stays."""
    for key, value in piece.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            inner = dict(tree[key])
            merge(inner, value)
            tree[key] = inner
        elif key not in tree:
            tree[key] = value
