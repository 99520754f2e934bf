"""Locates what a target cannot express in the client's own request."""

from collections.abc import Iterable, Iterator
from typing import Any

from jackfield.dialects import Loss
from jackfield.exchange import Exchange
from jackfield.losses import is_loss_of
from jackfield.messages import ChatRequest, Opaque, ToolResult


def place_of(exchange: Exchange, loss: Loss) -> str:
    """The path of what is lost; in the canonical form if the client's path is unknown."""
    member = loss.path.removeprefix(f"extensions.{exchange.dialect.name}.")
    if member != loss.path:
        return member
    tree = exchange.json()
    for part in _parts(exchange, loss):
        if isinstance(tree, dict) and tree.get(part.kind) == part.value:
            return part.kind
        if (place := _path_to(part.value, tree)) is not None:
            return place
    return loss.path


def _parts(exchange: Exchange, loss: Loss) -> Iterator[Opaque]:
    """The parts of the message that the loss may be about."""
    request = exchange.canonical()
    for i, message in enumerate(request.messages if isinstance(request, ChatRequest) else ()):
        if not f"{loss.path}.".startswith((f"messages[{i}].", "messages.")):
            continue
        for part in message.parts:
            for one in (part, *part.parts) if isinstance(part, ToolResult) else (part,):
                if isinstance(one, Opaque) and is_loss_of(loss, one):
                    yield one


def _path_to(value: Any, tree: Any, path: str = "") -> str | None:
    """The path at which a JSON value contains another, an object; None if it does not."""
    if not isinstance(value, dict):
        return None
    if tree == value:
        return path
    inner: Iterable[tuple[str, Any]] = ()
    if isinstance(tree, dict):
        inner = ((f"{path}.{key}" if path else key, item) for key, item in tree.items())
    elif isinstance(tree, list):
        inner = ((f"{path}[{i}]", item) for i, item in enumerate(tree))
    found = (_path_to(value, item, where) for where, item in inner)
    return next((place for place in found if place is not None), None)
