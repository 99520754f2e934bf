"""The models that all providers list, merged and cached."""

import asyncio
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from jackfield._mistakes import Blaming, WrongResultError
from jackfield.capabilities import Capabilities, ModelFacts
from jackfield.errors import GatewayError
from jackfield.exchange import Principal

if TYPE_CHECKING:
    from jackfield.providers import ModelInfo, Provider
    from jackfield.settings import ModelTable, Settings

KEEP_SECONDS = 300.0
LIST_SECONDS = 10.0
"""How long a provider may take to list its models."""
_NOTICE_DAYS = 30

ALIAS = "jackfield"
"""Whose model an alias is, in a list of models."""


@frozen
class Listed:
    """A model under the name by which clients may request it, and what is known about it."""

    name: str
    provider: str
    info: "ModelInfo"
    capabilities: Capabilities = field(factory=Capabilities)


@define(eq=False)
class _Kept:
    models: "asyncio.Task[Sequence[ModelInfo]]"
    until: float


@define(eq=False)
class Catalogue:
    """Asks each provider for its models when somebody wants to know, every few minutes at most.

    All who want to know it meanwhile wait for the same answer. A provider that cannot be asked is
    listed with what is configured for it; a failure is cached for a tenth of the time.
    """

    aliases: "Mapping[str, ModelTable]"
    _providers: "Mapping[str, Provider]"
    facts: ModelFacts = field(factory=ModelFacts)
    _kept: dict[str, _Kept] = field(factory=dict)
    _reader: Principal | None = None

    def visible_to(self, principal: Principal) -> "Catalogue":
        """The same, with only the models that the principal may use."""
        return evolve(self, reader=principal)

    async def models(self) -> list[Listed]:
        """Aliases first, then every provider's models as `provider/model`."""
        # Not at the top: plugins and commands import this module just for its types.
        from jackfield.providers import ModelInfo  # noqa: PLC0415

        listed = [Listed(name, ALIAS, ModelInfo(name, ALIAS)) for name in self.aliases]
        of_each = await asyncio.gather(*(self.of(name) for name in self._providers))
        for name, models in zip(self._providers, of_each, strict=True):
            listed += [self._listed(name, info) for info in models]
        reader = self._reader
        return listed if reader is None else [one for one in listed if self._shows(reader, one)]

    def _shows(self, reader: Principal, listed: Listed) -> bool:
        """Whether somebody may use a model, or an alias at one of the providers it leads to."""
        if listed.provider == ALIAS:
            providers = self._behind(listed.name)
            return reader.may_use(listed.name) and any(reader.may_use(None, p) for p in providers)
        named = reader.may_use(listed.name) or reader.may_use(listed.info.id)
        return named and reader.may_use(provider=listed.provider)

    def _behind(self, alias: str) -> set[str]:
        """The providers that an alias leads to, directly or through other aliases."""
        names = [alias]
        for name in names:  # extended below
            if name in self.aliases:
                names += [one for one in _targets(self.aliases[name]) if one not in names]
        return {name.partition("/")[0] for name in names if name not in self.aliases}

    def _listed(self, provider: str, info: "ModelInfo") -> Listed:
        return Listed(f"{provider}/{info.id}", provider, info, self.facts.of(info.id, provider))

    async def of(self, provider: str) -> "Sequence[ModelInfo]":
        """What one provider lists; nothing if it cannot say."""
        kept, now = self._kept.get(provider), time.monotonic()
        if kept is None or kept.until <= now:
            # A task of its own: whoever leaves does not end it for the others.
            asking = asyncio.create_task(self._ask(provider, kept.models.result() if kept else ()))
            kept = self._kept[provider] = _Kept(asking, math.inf)
        return await asyncio.shield(kept.models)

    async def _ask(self, provider: str, before: "Sequence[ModelInfo]") -> "Sequence[ModelInfo]":
        models, seconds = await self._list(self._providers[provider]), KEEP_SECONDS
        if models is None:
            models, seconds = before, KEEP_SECONDS / 10
        self._kept[provider].until = time.monotonic() + seconds
        return models

    async def _list(self, provider: "Provider") -> "Sequence[ModelInfo] | None":
        """What a provider lists now; None if it cannot."""
        from jackfield.providers import ModelInfo  # noqa: PLC0415

        with Blaming(provider, "models"), suppress(GatewayError):
            async with asyncio.timeout(LIST_SECONDS):
                models = [*await provider.models()]
            for one in models:
                if not isinstance(one, ModelInfo):
                    raise WrongResultError(f"listed {type(one).__name__}, which is no ModelInfo")
            return models
        return None

    def fresh_until(self, providers: Iterable[str]) -> float:
        """When, on the monotonic clock, the first of these lists expires."""
        return min((self._kept[name].until for name in providers if name in self._kept), default=0)


def retiring(settings: "Settings") -> list[str]:
    """A line for each target of an alias that its vendor has retired, or soon will."""
    soon = datetime.now(UTC).date() + timedelta(_NOTICE_DAYS)
    facts, lines = ModelFacts(settings.capabilities), []
    for alias, table in settings.models.items():
        for target in _targets(table):
            provider, _, model = target.partition("/")
            day = None if target in settings.models else facts.of(model, provider).retires
            if day is not None and day <= soon:
                lines.append(f"models.{alias}: the vendor of {target} switches it off on {day}")
    return lines


def _targets(table: "ModelTable") -> tuple[str, ...]:
    return (*(target.model for target in table.weighted), *table.fallbacks)
