"""Takes streams apart, and holds JSON against the types of an official SDK."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from pydantic import TypeAdapter, ValidationError

from jackfield import sse

_MOST_SHOWN = 3


def json_events(wire: bytes) -> Iterator[Any]:
    """The JSON of each event that has some; comments and `[DONE]` have none."""
    for event in sse.split(wire):
        data = sse.data_of(event)
        if data is not None and data.strip() != b"[DONE]":
            yield msgspec.json.decode(data)


def _place(path: tuple[int | str, ...]) -> str:
    """Where a mistake stands; the long names of unions are left out."""
    return ".".join(str(part) for part in path if "[" not in str(part))


@cache
def adapter(kind: Any) -> TypeAdapter[Any]:
    """The validator of an SDK's type."""
    return TypeAdapter(kind)


def mistakes(kind: Any, value: Any) -> list[str]:
    """What an SDK's type finds wrong with a JSON value."""
    try:
        adapter(kind).validate_python(value)
    except AttributeError as error:
        return [f"the SDK stumbles: {error}"]
    except ValidationError as error:
        # Of a union's many complaints those that lie deepest are about the member that was meant.
        found = error.errors(include_url=False, include_input=True)
        found.sort(key=lambda one: -len(one["loc"]))
        return [
            f"{_place(one['loc'])}: {one['msg']}, found {one['input']!r:.60}"
            for one in found[:_MOST_SHOWN]
        ]
    return []
