"""The models that all providers list, merged and kept for a while."""

import asyncio
import time
from collections.abc import Mapping, Sequence

from attrs import define, field, frozen

from jackfield.errors import GatewayError
from jackfield.providers import ModelInfo, Provider

KEEP_SECONDS = 300.0


@frozen
class Listed:
    """A model under the name by which clients may ask for it."""

    name: str
    provider: str
    info: ModelInfo


@define(eq=False)
class _Kept:
    models: Sequence[ModelInfo]
    until: float


@define(eq=False)
class Catalogue:
    """Asks each provider for its models when somebody needs to know, at most every few minutes.

    A provider that cannot be asked is listed with what is configured for it; a failure is kept
    for a tenth of the time.
    """

    aliases: Sequence[str]
    _providers: Mapping[str, Provider]
    _kept: dict[str, _Kept] = field(factory=dict, init=False)

    async def models(self) -> list[Listed]:
        """Aliases first, then every provider's models as `provider/model`."""
        listed = [Listed(name, "jackfield", ModelInfo(name, "jackfield")) for name in self.aliases]
        of_each = await asyncio.gather(*(self.of(name) for name in self._providers))
        for name, models in zip(self._providers, of_each, strict=True):
            listed += [Listed(f"{name}/{info.id}", name, info) for info in models]
        return listed

    async def of(self, provider: str) -> Sequence[ModelInfo]:
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
