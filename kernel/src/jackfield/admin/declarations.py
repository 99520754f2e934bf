"""Things declared in the configuration file, and what must change so that they are as declared."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, Final, Literal, TypeVar

from attrs import frozen

from jackfield.admin.change import Actor
from jackfield.admin.collection import Collection
from jackfield.admin.items import differing
from jackfield.admin.lock import Turn, turn
from jackfield.admin.writer import Writer
from jackfield.errors import ConfigError, GatewayError, Overloaded
from jackfield.exchange import Principal

T = TypeVar("T")
Declared = tuple[Collection[Any], Mapping[str, Any]]
"""A collection and the things that the file declares in it, by their ids."""

_logger = logging.getLogger("jackfield.admin")


@frozen
class Step:
    """One thing that is not as it is declared; `fields` are those that differ."""

    action: Literal["create", "update", "delete"]
    collection: str
    id: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        what = f" ({', '.join(self.fields)})" if self.action == "update" else ""
        return f"{self.action} {self.collection} {self.id}{what}"


PLANNING: Final[ContextVar[list[Step] | None]] = ContextVar("planning", default=None)
"""Where it is set, as by `jackfield plan`, steps are noted in the list and not carried out."""


async def declare(collection: Collection[T], desired: Mapping[str, T], by: str) -> list[Step]:
    """Make the things of a collection those that the file `by` declares. See `declare_all`."""
    return await declare_all([(collection, desired)], by)


async def declare_all(declared: Sequence[Declared], by: str) -> list[Step]:
    """Create and change what is declared, in order, then delete what was declared before.

    What was made in other ways is left alone, unless it has the id of something declared: then it
    belongs to the file from now on. Gives the steps that were necessary; when several processes
    begin at once one of them does it all. Broken off it goes on the next time. Raises ConfigError
    where a rule of a collection is broken.
    """
    steps = await _steps(declared)
    planning = PLANNING.get()
    if planning is not None:
        planning.extend(steps)
        return steps
    if not steps:
        return []
    key_id = f"file {by}"
    actor = Actor("owner", Principal(tenant="admin", key_id=key_id, role="owner"), declaring=by)
    async with turn(declared[0][0].setup) as mine:
        steps = await _steps(declared)
        collections = {collection.name: (collection, desired) for collection, desired in declared}
        for step in steps:
            await _carry_out(step, collections[step.collection], actor, mine)
            _logger.info("declared in %s: %s", by, step)
    return steps


async def _steps(declared: Iterable[Declared]) -> list[Step]:
    wanted: list[Step] = []
    unwanted: list[Step] = []
    for collection, desired in declared:
        found = {
            kept.id: kept
            async for kept in collection.all()
            if kept.declared_in or kept.id in desired
        }
        for id, item in desired.items():
            kept = found.pop(id, None)
            if kept is None:
                wanted.append(Step("create", collection.name, id))
                continue
            fields = differing(kept.item, collection.declared(item, kept.item))
            if fields or not kept.declared_in:
                wanted.append(Step("update", collection.name, id, fields))
        unwanted += [Step("delete", collection.name, id) for id in found]
    return [*wanted, *reversed(unwanted)]


async def _carry_out(step: Step, declared: Declared, actor: Actor, mine: Turn) -> None:
    collection, desired = declared
    writer = Writer(collection)
    try:
        kept = await collection.get(step.id)
        if kept is None:
            draft = collection.shelf.draft(step.id, desired[step.id])
            await writer.create(draft, actor, mine)
        elif step.action == "delete":
            await writer.delete(kept, actor, mine)
        else:
            item = collection.declared(desired[step.id], kept.item)
            await writer.replace(kept, item, actor, mine)
    except Overloaded:  # the store is away, or others are at it: there will be a better moment
        raise
    except GatewayError as error:
        problem = f"{actor.declaring}: {collection.singular} {step.id!r}: {error.message}"
        raise ConfigError([problem]) from None
