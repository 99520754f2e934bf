"""One page of a collection: the items that the actor may see and that match the filters."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, TypeVar
from urllib.parse import parse_qsl

from attrs import frozen

from jackfield._config.toml_types import choices
from jackfield._config.wording import did_you_mean
from jackfield.admin.attributes import Attribute, attributes_of
from jackfield.admin.change import Actor, Stored
from jackfield.admin.guard import Guard
from jackfield.admin.items import plain
from jackfield.errors import Forbidden, InvalidRequest

T = TypeVar("T")

LARGEST_PAGE: Final = 1000
USUAL_PAGE: Final = 100


@frozen
class Page(Generic[T]):
    """Some items, and the id after which the next page begins, if there is one."""

    stored: Sequence[Stored[T]]
    next: str | None


@frozen
class Query:
    """The query of a list; `filters` are fields and the texts that they must equal."""

    limit: int
    after: str
    filters: Mapping[str, str]

    @classmethod
    def read(cls, text: str, item: type[Any]) -> "Query":
        """Read the query of a URL. Raises InvalidRequest."""
        given: dict[str, str] = {}
        for name, value in parse_qsl(text, keep_blank_values=True):
            if name in given:
                raise InvalidRequest(f"{name}: can be given only once", param=name)
            given[name] = value
        limit, after = given.pop("limit", str(USUAL_PAGE)), given.pop("after", "")
        known = filterable(item)
        for name, value in given.items():
            if name not in known:
                hint = did_you_mean(name, ["limit", "after", *known])
                raise InvalidRequest(f"{name}: there is no such filter{hint}", param=name)
            _check_value(name, known[name].kinds[0], value)
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:5]) <= LARGEST_PAGE):
            raise InvalidRequest(f"limit: must be between 1 and {LARGEST_PAGE}", param="limit")
        return cls(int(limit), after, given)


def filterable(item: type[Any]) -> dict[str, Attribute]:
    """The fields of a class by which a list can be filtered."""
    return {name: one for name, one in attributes_of(item).items() if not one.rights.secret}


def _check_value(name: str, kind: Any, text: str) -> None:
    """Raise InvalidRequest for a value that the field never has: its list would be empty."""
    values = ["true", "false"] if kind is bool else [str(one) for one in choices(kind)]
    if values and text not in ("", *values):
        raise InvalidRequest(f"{name}: must be {' or '.join(values)}, not {text!r}", param=name)


async def page(guard: Guard[T], query: Query, actor: Actor) -> Page[T]:
    """One page. Raises Forbidden for a filter by a field that the actor may not read."""
    for name in query.filters:
        if not guard.may_read(filterable(guard.collection.Item)[name], actor):
            raise Forbidden(f"`{name}` cannot be read with the role {actor.role!r}.", param=name)
    found: list[Stored[T]] = []
    async for stored in guard.collection.item_store.all(query.after):
        if _fits(stored.item, query.filters) and await guard.sees(stored, actor):
            if len(found) == query.limit:
                return Page(found, found[-1].id)
            found.append(stored)
    return Page(found, None)


def _fits(item: Any, filters: Mapping[str, str]) -> bool:
    return all(text in _texts(plain(getattr(item, name))) for name, text in filters.items())


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [text for member in value for text in _texts(member)]
    if isinstance(value, str | None):
        return [value or ""]
    return [json.dumps(value)]
