"""Sets of names as patterns with `*` for any text, with subset and intersection."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

Patterns = tuple[str, ...]

ANY: Final = "*"
LONGEST: Final = 128
MOST_STARS: Final = 4
_MOST_STATES: Final = 20_000
_OTHER: Final = "\0"
"""Stands for all characters that no pattern names; none of them has it in a name."""


def problem_of(pattern: str) -> str | None:
    """What is wrong with a pattern, or None."""
    if not pattern or len(pattern) > LONGEST or not pattern.isprintable():
        return f"must have 1 to {LONGEST} printable characters"
    if any(character in pattern for character in "?[]"):
        return "may have * for any text, and no other wildcard"
    if pattern.count(ANY) > MOST_STARS or "**" in pattern:
        return f"may have {MOST_STARS} stars at the most, none beside another"
    return None


@lru_cache(maxsize=4096)
def is_within(pattern: str, allowed: Patterns) -> bool:
    """Whether every name that matches the pattern matches one of the allowed patterns.

    Several patterns together may cover what none of them does alone. If that takes too long to
    determine, the answer is no.
    """
    if ANY in allowed or pattern in allowed:
        return True
    return any(_covered(pattern, (one,)) for one in allowed) or (
        ANY in pattern and len(allowed) > 1 and _covered(pattern, allowed)
    )


@lru_cache(maxsize=4096)
def common(one: Patterns, other: Patterns) -> Patterns:
    """The patterns of the names that match both sets."""
    found: dict[str, None] = {}
    for left in one:
        for right in other:
            if is_within(left, (right,)):
                found[left] = None
            elif is_within(right, (left,)):
                found[right] = None
            else:
                found |= dict.fromkeys(_both(left, right))
    return tuple([name for name in found if not any(_swallows(other, name) for other in found)])


def _swallows(large: str, small: str) -> bool:
    return large != small and is_within(small, (large,))


def _covered(pattern: str, allowed: Patterns) -> bool:
    """Walk all names of the pattern at once, with the possible positions in `allowed`."""
    alphabet = {*pattern, *"".join(allowed), _OTHER} - {ANY}
    begin = frozenset(_reached(allowed, ((at, 0) for at in range(len(allowed)))))
    waiting = [(at, begin) for at in _after_stars(pattern, 0)]
    seen = set(waiting)
    while waiting:
        at, places = waiting.pop()
        if at == len(pattern):
            if not any(place == len(allowed[index]) for index, place in places):
                return False
            continue
        star = pattern[at] == ANY
        for character in alphabet if star else pattern[at]:
            moved = frozenset(_reached(allowed, _stepped(allowed, places, character)))
            for state in (
                (there, moved) for there in _after_stars(pattern, at if star else at + 1)
            ):
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
        if len(seen) > _MOST_STATES:
            return False
    return True


def _after_stars(pattern: str, at: int) -> Iterator[int]:
    """A position in a pattern, and the next one if it is a star, which may match nothing."""
    yield at
    if pattern[at : at + 1] == ANY:
        yield at + 1


def _stepped(
    allowed: Patterns, places: frozenset[tuple[int, int]], character: str
) -> Iterator[tuple[int, int]]:
    for index, place in places:
        wanted = allowed[index][place : place + 1]
        if wanted == ANY:
            yield index, place
        elif wanted == character:
            yield index, place + 1


def _reached(allowed: Patterns, places: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """All positions, including those after stars; none before the last star reached."""
    of_each: dict[int, set[int]] = {}
    for index, place in places:
        of_each.setdefault(index, set()).update(_after_stars(allowed[index], place))
    for index, reached in of_each.items():
        last = max((at for at in reached if allowed[index][at : at + 1] == ANY), default=0)
        yield from ((index, place) for place in reached if place >= last)


@lru_cache(maxsize=4096)
def _both(one: str, other: str) -> Patterns:
    """The patterns of the names that match two patterns."""
    if not one or not other:
        return ("",) if (one + other).strip(ANY) == "" else ()
    first, second = one[0], other[0]
    if ANY not in (first, second):
        return _led(first, _both(one[1:], other[1:])) if first == second else ()
    if first == second:
        return _led(ANY, {*_both(one[1:], other), *_both(one, other[1:])})
    if first != ANY:
        one, other, second = other, one, first
    return tuple({*_both(one[1:], other), *_led(second, _both(one, other[1:]))})


def _led(first: str, rest: set[str] | Patterns) -> Patterns:
    """The patterns with one more character in front; consecutive stars are merged."""
    return tuple({first + (text.removeprefix(ANY) if first == ANY else text) for text in rest})
