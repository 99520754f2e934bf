"""Where a store is kept, and how to open it there."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any

from attrs import field, frozen

from jackfield.store import Store


@frozen
class Site:
    """The data of one store, empty before the test; several may open it at once.

    `opener` is `module:name` of a callable that takes `where` and the options and returns an async
    context manager of a store. Other processes import it.
    """

    opener: str
    where: str
    options: Mapping[str, Any] = field(factory=dict)

    def open(self) -> AbstractAsyncContextManager[Store]:
        """A store on these data."""
        module, _, name = self.opener.partition(":")
        opener = getattr(import_module(module), name)
        opened: AbstractAsyncContextManager[Store] = opener(self.where, **self.options)
        return opened
