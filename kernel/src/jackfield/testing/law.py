"""A law of the contract: a sentence, and a check of whether a plugin obeys it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from attrs import field, frozen

from jackfield._hook_chain import hooks_of
from jackfield.plugin import Plugin
from jackfield.providers import Provider

PATIENCE: Final = 10.0
"""Seconds that a law waits, unless it starts many gateways."""

Beside = Callable[[], AbstractAsyncContextManager[Mapping[str, Any] | str]]
"""Runs what a plugin calls out to, and gives what its table has to say of it, or other tables."""

TEXTS: Final = (
    "The quick brown fox jumps over the lazy dog.",
    "Write to anna@example.com or call +1 202-555-0143, please.",
    "Zwölf Boxkämpfer, 日本語, 🙂 and a\nsecond line.",
)
"""The texts of the kit's requests unless the author gives others."""


class LawBrokenError(AssertionError):
    """What a plugin did against the law; `Law.hold` adds the plugin and the law."""


@frozen
class Subject:
    """The plugin under test.

    `headers` and `texts` are those of a request that it lets pass; `toml` has the tables of what
    it needs beside it. `beside` runs while it does, and gives more of its table or more tables.
    """

    name: str
    kind: type[Plugin]
    config: Mapping[str, Any] = field(factory=dict)
    headers: Mapping[str, str] = field(factory=dict)
    texts: Sequence[str] = TEXTS
    toml: str = ""
    beside: Beside | None = None

    @property
    def is_provider(self) -> bool:
        """Whether its table is under `[providers]`."""
        return issubclass(self.kind, Provider)

    @property
    def hooks(self) -> list[str]:
        """The hooks that it implements, in the order in which they are called."""
        return hooks_of(self.kind)


@frozen
class Law:
    """`id` names it in a test's id, `statement` is the sentence that a failure shows.

    A plugin that does not come to an end within `patience` seconds has broken it.
    """

    id: str
    statement: str
    check: Callable[[Subject], Awaitable[None]]
    binds: Callable[[Subject], bool]
    patience: float = PATIENCE

    def hold(self, subject: Subject) -> None:
        """Check the plugin. Raises LawBrokenError, which says what it did."""
        __tracebackhide__ = True
        try:
            asyncio.run(self._within_patience(subject))
        except LawBrokenError as broken:
            raise LawBrokenError(self._failure_text(subject, str(broken))) from None
        except (Exception, SystemExit) as error:
            raise LawBrokenError(self._failure_text(subject, f"raised {error!r}")) from error

    async def _within_patience(self, subject: Subject) -> None:
        limit = asyncio.timeout(self.patience)
        try:
            async with limit:
                await self.check(subject)
        except TimeoutError:
            if not limit.expired():
                raise
            raise LawBrokenError(f"it did not come to an end within {self.patience:g} s") from None

    def _failure_text(self, subject: Subject, what: str) -> str:
        kind = f"{subject.kind.__module__}.{subject.kind.__qualname__}"
        return f"{self.id}: {self.statement}\nplugin {subject.name!r} ({kind}): {what}"


def has_hooks(subject: Subject) -> bool:
    """Whether the laws of hooks apply to it."""
    return not subject.is_provider


def is_provider(subject: Subject) -> bool:
    """Whether the laws of providers bind it."""
    return subject.is_provider


def authenticates(subject: Subject) -> bool:
    """Whether the laws of those who say who asks bind it."""
    return subject.kind.authenticates


def everybody(subject: Subject) -> bool:
    """For laws that apply to every plugin."""
    return True


def rewrites_streams(subject: Subject) -> bool:
    """Whether it looks at streams."""
    return "on_stream_chunk" in subject.hooks
