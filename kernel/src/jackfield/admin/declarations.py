"""Items declared in the configuration file, and what must change to match them."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from math import inf
from typing import Any, Final, Literal

from attrs import define, field, frozen

from jackfield.admin.attributes import attributes_of
from jackfield.admin.change import Actor
from jackfield.admin.change_lock import Lock, change_lock
from jackfield.admin.collection import Collection
from jackfield.admin.dry_run import DRY_RUN, DryRun
from jackfield.admin.items import plain
from jackfield.admin.writer import Writer
from jackfield.config import Document
from jackfield.errors import ConfigError, GatewayError, Overloaded
from jackfield.exchange import Principal

Declared = tuple[Collection[Any], Mapping[str, Any], Sequence[str]]
"""A collection, the items that the file declares in it, by id, and the path of their table."""

PAUSE: Final = 1.0
"""Seconds between two attempts."""

LOOK_EVERY: Final = 5.0
"""Seconds after which it is looked whether the store still has it."""

_logger = logging.getLogger("jackfield.admin")


@frozen
class Step:
    """One item that differs from its declaration, and the `fields` that do.

    `changes` are their values as JSON, before and after; for a secret both are None.
    """

    action: Literal["create", "update", "delete"]
    collection: str
    id: str
    fields: tuple[str, ...] = ()
    changes: Mapping[str, tuple[Any, Any]] = field(factory=dict)

    def __str__(self) -> str:
        what = f" ({', '.join(self.fields)})" if self.fields else ""
        return f"{self.action} {self.collection} {self.id}{what}"


@define(eq=False)
class Declarations:
    """Applies what a configuration file declares, or nothing if any step would be refused.

    Items are created and changed in the order of their declaration; then those that are no longer
    declared are deleted. Items created in other ways are left alone, unless one with the same id is
    declared: from then on it belongs to the file. If several processes start at once, one of them
    makes all changes. While the store is unavailable, it tries again every second. A store that has
    lost everything gets it anew.
    """

    _declared: Sequence[Declared]
    _document: Document
    steps: Sequence[Step] = field(default=(), init=False)
    """The steps that have been carried out, or would be in a dry run."""

    _problem: str | None = field(default=None, init=False)
    _keeping: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> None:
        """Apply it now if possible. Raises ConfigError with every step that would be refused."""
        try:
            await self.make()
        except GatewayError as error:
            self._problem = f"what {self._document.name} declares is not made yet: {error.message}"
            _logger.warning("%s", self._problem)
        if self._declared and DRY_RUN.get() is None:
            self._keeping = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """Stop trying."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.wait([self._keeping])

    async def health(self) -> str | None:
        """Why the declarations have not been applied yet, if they have not."""
        return self._problem

    async def make(self) -> Sequence[Step]:
        """Try all steps in a dry run, then carry them out unless this is a dry run itself.

        Both under one lock: a process that starts at the same time would change what was tried.
        Raises ConfigError, GatewayError.
        """
        steps = await self._needed_steps()
        setup = self._declared[0][0].setup if steps else None
        if setup and DRY_RUN.get() is not None:
            await self._dry_run(steps, Lock(setup.store, version=0, until=inf))
        elif setup:
            async with change_lock(setup) as lock:
                steps = await self._needed_steps()
                await asyncio.create_task(self._dry_run(steps, lock))
                for step in steps:
                    await self._carry_out(step, lock)
                    _logger.info("declared in %s: %s", self._document.name, step)
        self.steps = steps
        return steps

    async def _keep(self) -> None:
        """Apply it once the store is available, and again when that has lost all of it."""
        while True:
            try:
                if self._problem is not None or await self._is_lost():
                    await self.make()
                    self._problem = None
            except GatewayError:
                pass  # the next attempt follows
            except ConfigError as error:
                self._problem = str(error)
                _logger.error("%s", error)
                return
            await asyncio.sleep(PAUSE if self._problem is not None else LOOK_EVERY)

    async def _is_lost(self) -> bool:
        """Whether the store has nothing that any file declares.

        An item that it lacks alone may be one that the newer file of another gateway has removed.
        """
        declared = [(one, id) for one, things, _ in self._declared for id in things]
        for collection, id in declared:
            if await collection.get(id) is not None:
                return False
        return bool(declared) and all(one.action == "create" for one in await self._needed_steps())

    async def _needed_steps(self) -> list[Step]:
        wanted: list[Step] = []
        unwanted: list[Step] = []
        for collection, things, _ in self._declared:
            found = {
                one.id: one async for one in collection.all() if one.declared_in or one.id in things
            }
            for id, item in things.items():
                stored = found.pop(id, None)
                if stored is None:
                    wanted.append(Step("create", collection.name, id))
                    continue
                changes = _changes(stored.item, collection.declared(item, stored.item))
                if changes or not stored.declared_in:
                    wanted.append(Step("update", collection.name, id, tuple(changes), changes))
            unwanted += [Step("delete", collection.name, id) for id in found]
        return [*wanted, *reversed(unwanted)]

    async def _dry_run(self, steps: Sequence[Step], lock: Lock) -> None:
        """Carry out steps without writing anything. Raises ConfigError with all refusals."""
        dry_run = DRY_RUN.get()
        if dry_run is None:
            DRY_RUN.set(dry_run := DryRun())  # as long as the task lasts
        await dry_run.fill(lock.store)
        for step in steps:
            await asyncio.sleep(0)  # the process may be serving requests
            await lock.renew()
            try:
                await self._carry_out(step, lock)
            except Overloaded:  # the store is unavailable, which says nothing about the step
                raise
            except GatewayError as error:
                await self._refuse(step, error)
        self._document.problems.raise_if_any()

    async def _carry_out(self, step: Step, lock: Lock) -> None:
        collection, things, _ = self._of(step)
        name, writer = self._document.name, Writer(collection)
        actor = Actor("owner", Principal("admin", f"file {name}", role="owner"), declaring=name)
        stored, item = await collection.get(step.id), things.get(step.id)
        if item is None:
            if stored is not None:  # another process may have deleted it
                await writer.delete(stored, actor, lock)
        elif stored is None:
            await writer.create(collection.item_store.draft(step.id, item), actor, lock)
        else:
            await writer.replace(stored, collection.declared(item, stored.item), actor, lock)

    async def _refuse(self, step: Step, error: GatewayError) -> None:
        """Report the problem at its place in the file, and assume that the step succeeded.

        One mistake is thus reported once. Keys are declared under their names, not their ids.
        """
        collection, things, table = self._of(step)
        stored, item = await collection.get(step.id), things.get(step.id)
        names = (step.id, getattr(item, collection.label, ""))
        known = (name for name in names if self._document.get((*table, name)) is not None)
        path, message = (*table, next(known, step.id)), error.message
        if item is not None:
            stored = stored or collection.item_store.draft(step.id, item)
            path = (*path, error.param) if error.param else path
            await collection.item_store.put(stored, item, self._document.name)
        elif stored is not None:
            message = f"it is not declared any more, and cannot be deleted: {message}"
            await collection.item_store.delete(stored)
        self._document.problems.add(path, message)

    def _of(self, step: Step) -> Declared:
        return next(one for one in self._declared if one[0].name == step.collection)


def _changes(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    attributes, old, new = attributes_of(type(after)), plain(before), plain(after)
    return {
        name: (None, None) if attributes[name].rights.secret else (old.get(name), new.get(name))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    }
