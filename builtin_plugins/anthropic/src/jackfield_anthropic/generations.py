"""The features of each generation of models, derived from their names.

Source: Anthropic's pages on thinking, effort, structured outputs and migration. A name without a
version, such as an alias, is treated as the newest.
"""

import re
from functools import lru_cache
from typing import Final

from attrs import frozen

_VERSION: Final = re.compile(
    r"claude-(?:(?P<family>[a-z]+)-)?(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)",
    re.IGNORECASE,
)
_ADAPTIVE: Final = (4, 6)
_NO_BUDGET: Final = (4, 7)
_ONE_SAMPLER: Final = (4, 1)
_SCHEMAS: Final = (4, 5)
_THINKS_UNASKED: Final = (5, 0)
_NEVER_FORCED: Final = {"opus": (5, 5), "sonnet": (5, 5), "fable": (5, 1)}
"""The first versions that refuse a request in which a tool must be called."""

_ALWAYS_THINKS: Final = {"opus": (5, 5), "fable": (5, 0), "mythos": (5, 0)}
_NEWEST: Final = (99, 0)


@frozen
class Generation:
    """The features that differ between generations."""

    adaptive: bool
    """It decides itself how long to think, at the requested effort."""
    budget: bool
    """It thinks within a budget of tokens."""
    sampling: bool
    """It accepts `temperature`, `top_p` and `top_k`."""
    one_sampler: bool
    """It does not accept `temperature` and `top_p` together."""
    schemas: bool
    """It follows a JSON schema, in answers and in calls of strict tools."""
    xhigh: bool
    """It supports the effort between "high" and "max"."""
    forced_tools: bool
    """It can be made to call a tool."""
    unthinking: str | None
    """The type of `thinking` that stops it from thinking first: none needed, or None possible."""


@lru_cache(maxsize=1024)
def generation(model: str) -> Generation:
    """The generation of a model; other vendors' models are treated as version 4.5."""
    family, version = _version(model)
    return Generation(
        adaptive=version >= _ADAPTIVE,
        budget=version < _NO_BUDGET,
        sampling=version < _NO_BUDGET,
        one_sampler=version >= _ONE_SAMPLER,
        schemas=version >= _SCHEMAS,
        xhigh=version >= _NO_BUDGET,
        forced_tools=version < _NEVER_FORCED.get(family, _NEWEST),
        unthinking=_unthinking(family, version),
    )


def _unthinking(family: str, version: tuple[int, int]) -> str | None:
    if version < _THINKS_UNASKED or not family:
        return ""
    if version >= _ALWAYS_THINKS.get(family, _NEWEST):
        return None
    return "between_tools" if family == "sonnet" and version >= (5, 5) else "disabled"


def _version(model: str) -> tuple[str, tuple[int, int]]:
    if "claude" not in model.lower():
        return "", _SCHEMAS
    found = _VERSION.search(model)
    if found is None:
        return "", _NEWEST
    return (found["family"] or "").lower(), (int(found["major"]), int(found["minor"] or 0))
