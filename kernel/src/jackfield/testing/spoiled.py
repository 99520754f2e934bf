"""Corrupted JSON: samples with something odd in one place."""

from random import Random
from typing import Any, Final

ODD: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 1e300, 10**18, "", "x", "tool", "a" * 200, "\ufffd\0"),
    *([], {}, [None], [[]], [1, "a"], {"": None}, {"type": "x"}, {"type": 1}, {"text": None}),
)
"""What is put in a place where something else belongs."""


def spoiled(tree: Any, dice: Random) -> Any:
    """A copy with something replaced, left out, duplicated or renamed."""
    if not isinstance(tree, dict | list) or not tree or dice.random() < 0.1:
        return dice.choice(ODD)
    if isinstance(tree, list):
        return _spoiled_list(tree, dice)
    key = dice.choice(list(tree))
    changed = dict(tree)
    if dice.random() < 0.15:
        value = changed.pop(key)
        if dice.random() < 0.5:
            changed[dice.choice((*tree, "text", "type", "odd"))] = value
    else:
        changed[key] = spoiled(tree[key], dice)
    return changed


def _spoiled_list(items: list[Any], dice: Random) -> list[Any]:
    at = dice.randrange(len(items))
    if dice.random() < 0.1:
        return [*items[:at], *items[at + 1 :]]
    if dice.random() < 0.1:
        return [*items[: at + 1], *items[at:]]
    return [*items[:at], spoiled(items[at], dice), *items[at + 1 :]]
