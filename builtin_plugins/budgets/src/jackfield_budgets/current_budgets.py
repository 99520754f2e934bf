"""The current budgets: those of the configuration and those in the store."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from attrs import define, field

from jackfield.store import StoreUnavailable

from .budget import Budget
from .budget_set import BudgetTable
from .collection import BudgetCollection

_RETRY: Final = 0.5
_READ_AGAIN: Final = 30.0

logger = logging.getLogger("jackfield.budgets")


@define(eq=False)
class CurrentBudgets:
    """All budgets, kept up to date. Before the first successful read they are unknown."""

    _collection: BudgetCollection
    _declared: Mapping[str, Budget]
    table: BudgetTable = field(factory=BudgetTable, init=False)
    is_read: bool = field(default=False, init=False)
    _kept: dict[str, Budget] = field(factory=dict, init=False)
    _tasks: list[asyncio.Task[None]] = field(factory=list, init=False)

    async def start(self) -> None:
        """Read all budgets, and follow their changes from then on."""
        try:
            await self.read()
        except StoreUnavailable:
            logger.warning("the store is unavailable: budgets are unknown, requests are refused")
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._again())]

    async def stop(self) -> None:
        """Stop following changes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def listens(self) -> bool:
        """Whether changes are received."""
        return not any(task.done() for task in self._tasks)

    async def read(self) -> None:
        """Read all budgets. Raises StoreUnavailable."""
        self._kept = {kept.id: kept.item async for kept in self._collection.all()}
        self.is_read = True
        self._bind()

    def _bind(self) -> None:
        self.table = BudgetTable.of({**self._kept, **self._declared}.items())

    async def _listen(self) -> None:
        away = False
        while True:
            try:
                async for id in self._collection.changes():
                    await self._changed(id)
                    away = False
            except StoreUnavailable:
                if not away:
                    logger.info("the store is unavailable: changes of budgets are read later")
                away = True
            await asyncio.sleep(_RETRY)

    async def _changed(self, id: str | None) -> None:
        if id is None:
            await self.read()
            return
        kept = await self._collection.get(id)
        if kept is None:
            self._kept.pop(id, None)
        else:
            self._kept[id] = kept.item
        self._bind()

    async def _again(self) -> None:
        """Read everything now and then, in case a change was missed."""
        while True:
            await asyncio.sleep(_READ_AGAIN if self.is_read else _RETRY)
            try:
                await self.read()
            except StoreUnavailable:
                continue
