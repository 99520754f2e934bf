"""The models that all providers list, merged and kept for a while."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from attrs import define, evolve, field, frozen

from jackfield.capabilities import Capabilities, ModelFacts
from jackfield.errors import GatewayError
from jackfield.exchange import Principal

if TYPE_CHECKING:
    from jackfield.providers import ModelInfo, Provider

KEEP_SECONDS = 300.0

ALIAS = "jackfield"
"""Whose model an alias is, in a list of models."""


@frozen
class Listed:
    """A model under the name by which clients may ask for it, and what is known of it."""

    name: str
    provider: str
    info: "ModelInfo"
    capabilities: Capabilities = field(factory=Capabilities)


@define(eq=False)
class _Kept:
    models: "Sequence[ModelInfo]"
    until: float


@define(eq=False)
class Catalogue:
    """Asks each provider for its models when somebody needs to know, at most every few minutes.

    A provider that cannot be asked is listed with what is configured for it; a failure is kept
    for a tenth of the time.
    """

    aliases: Sequence[str]
    _providers: "Mapping[str, Provider]"
    facts: ModelFacts = field(factory=ModelFacts)
    _kept: dict[str, _Kept] = field(factory=dict)
    _reader: Principal | None = None

    def seen_by(self, principal: Principal) -> "Catalogue":
        """The same with those models alone that the principal may use."""
        if principal.models is None and principal.providers is None:
            return self
        return evolve(self, reader=principal)

    async def models(self) -> list[Listed]:
        """Aliases first, then every provider's models as `provider/model`."""
        # Only here: plugins import this module for its types, and so do commands.
        from jackfield.providers import ModelInfo  # noqa: PLC0415

        listed = [Listed(name, ALIAS, ModelInfo(name, ALIAS)) for name in self.aliases]
        of_each = await asyncio.gather(*(self.of(name) for name in self._providers))
        for name, models in zip(self._providers, of_each, strict=True):
            listed += [self._listed(name, info) for info in models]
        reader = self._reader
        return listed if reader is None else [one for one in listed if _may_use(reader, one)]

    def _listed(self, provider: str, info: "ModelInfo") -> Listed:
        return Listed(f"{provider}/{info.id}", provider, info, self.facts.of(info.id, provider))

    async def of(self, provider: str) -> "Sequence[ModelInfo]":
        """What one provider lists; nothing when it cannot say."""
        kept = self._kept.get(provider)
        if kept is not None and kept.until > time.monotonic():
            return kept.models
        try:
            models = await self._providers[provider].models()
            seconds = KEEP_SECONDS
        except GatewayError:
            models, seconds = (kept.models if kept else ()), KEEP_SECONDS / 10
        self._kept[provider] = _Kept(models, time.monotonic() + seconds)
        return models

    def fresh_until(self, providers: Iterable[str]) -> float:
        """When, on the monotonic clock, the first of these lists must be asked for anew."""
        return min((self._kept[name].until for name in providers if name in self._kept), default=0)


def _may_use(reader: Principal, listed: Listed) -> bool:
    if listed.provider == ALIAS:
        return reader.may_use(listed.name)
    named = reader.may_use(listed.name) or reader.may_use(listed.info.id)
    return named and reader.may_use(provider=listed.provider)
