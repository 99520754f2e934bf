"""Corrupted JSON: samples with something odd in one place."""

from random import Random
from typing import Any, Final

REPLACEMENTS: Final[tuple[Any, ...]] = (
    *(None, True, False, 0, -1, 1.5, 1e300, 10**18, "", "x", "tool", "a" * 200, "\ufffd\0"),
    *([], {}, [None], [[]], [1, "a"], {"": None}, {"type": "x"}, {"type": 1}, {"text": None}),
)
"""What is put in a place where something else belongs."""


def spoiled(tree: Any, random: Random) -> Any:
    """A copy with something replaced, left out, duplicated or renamed."""
    if not isinstance(tree, dict | list) or not tree or random.random() < 0.1:
        return random.choice(REPLACEMENTS)
    if isinstance(tree, list):
        return _spoiled_list(tree, random)
    key = random.choice(list(tree))
    changed = dict(tree)
    if random.random() < 0.15:
        value = changed.pop(key)
        if random.random() < 0.5:
            changed[random.choice((*tree, "text", "type", "odd"))] = value
    else:
        changed[key] = spoiled(tree[key], random)
    return changed


def _spoiled_list(items: list[Any], random: Random) -> list[Any]:
    at = random.randrange(len(items))
    if random.random() < 0.1:
        return [*items[:at], *items[at + 1 :]]
    if random.random() < 0.1:
        return [*items[: at + 1], *items[at:]]
    return [*items[:at], spoiled(items[at], random), *items[at + 1 :]]
