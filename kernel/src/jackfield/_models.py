"""Resolves the model that a client names to the targets that can serve it."""

import math
import random
import time
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from attrs import define, field, frozen

from jackfield._mistakes import Blaming
from jackfield.catalogue import Catalogue
from jackfield.config import ModelTable, WeightedTarget
from jackfield.dialects import Loss
from jackfield.endpoints import Endpoint, shown_path
from jackfield.errors import ModelNotFound, NotFound
from jackfield.exchange import Exchange
from jackfield.plan import Decision, Plan, Target
from jackfield.providers import Provider

_MOST_PLANS = 1024


@frozen
class _Found:
    """The target that a model name stands for, and until when that is known."""

    target: Target
    why: str
    until: float = math.inf


@define(eq=False)
class Models:
    """The aliases of `[models]` and the models of the providers."""

    _aliases: Mapping[str, ModelTable]
    _providers: Mapping[str, Provider]
    _catalogue: Catalogue
    _plans: dict[tuple[str, Endpoint], tuple[Plan, float]] = field(factory=dict, init=False)

    async def plan(self, exchange: Exchange) -> Plan:
        """The targets for an exchange, in order. Raises ModelNotFound."""
        model = exchange.model
        if model is None:
            return self._without_model(exchange)
        kept = self._plans.get((model, exchange.endpoint))
        if kept is not None and (kept[1] == math.inf or kept[1] > time.monotonic()):
            return kept[0]
        if (alias := self._aliases.get(model)) is not None:
            plan = await self._of_alias(exchange, model, alias, frozenset())
            keeps_all = alias.on_loss == "warn" or not plan.targets
            return plan if keeps_all else self._without_losses(exchange, plan, alias.on_loss)
        found = await self._single(exchange, model)
        plan = Plan((found.target,), (Decision(f"target {found.target}", found.why, "kernel"),))
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[model, exchange.endpoint] = (plan, found.until)
        return plan

    async def _of_alias(
        self, exchange: Exchange, name: str, alias: ModelTable, seen: frozenset[str]
    ) -> Plan:
        chosen: list[Target] = []
        for weighted in _shuffled(alias.weighted):
            chosen += await self._expand(exchange, weighted.model, seen | {name}, weighted.region)
        for model in alias.fallbacks:
            chosen += await self._expand(exchange, model, seen | {name}, None)
        targets = tuple(dict.fromkeys(chosen))
        what = "targets " + ", ".join(map(str, targets))
        return Plan(targets, (Decision(what, f"alias {name}", "kernel"),))

    async def _expand(
        self, exchange: Exchange, model: str, seen: frozenset[str], region: str | None
    ) -> tuple[Target, ...]:
        if model not in seen and (nested := self._aliases.get(model)) is not None:
            return (await self._of_alias(exchange, model, nested, seen)).targets
        target = (await self._single(exchange, model)).target
        return (Target(target.provider, target.model, region=region or target.region),)

    async def _single(self, exchange: Exchange, model: str) -> _Found:
        provider, slash, rest = model.partition("/")
        if slash and provider in self._providers:
            if not rest and exchange.dialect.translates:
                raise ModelNotFound(f"{model!r} names a provider and no model.", param="model")
            return _Found(self._target(provider, rest), "the provider is named")
        for name, candidate in self._providers.items():
            with Blaming(candidate, "lists"):
                if candidate.lists(model):
                    return _Found(self._target(name, model), f"{name} lists it")
        able = self._able(exchange, model)
        if len(able) == 1:
            return _Found(self._target(able[0], model), f"only {able[0]} may have it")
        for at, name in enumerate(able):
            if any(info.id == model for info in await self._catalogue.of(name)):
                until = self._catalogue.fresh_until(able[: at + 1])
                return _Found(self._target(name, model), f"{name} lists it", until)
        raise self._unknown(exchange, model, able)

    def _able(self, exchange: Exchange, model: str) -> list[str]:
        """The providers that a bare name may mean: those of first choice, or else the last.

        To the last a name with a slash means a provider that is not configured.
        """
        ranks = {n: p.bare_names for n, p in self._providers.items() if _serves(p, exchange)}
        first = [name for name, rank in ranks.items() if rank == "first"]
        return first or [n for n, rank in ranks.items() if rank == "last" and "/" not in model]

    def _target(self, name: str, model: str) -> Target:
        return Target(name, model, region=getattr(self._providers[name].config, "region", None))

    def _unknown(self, exchange: Exchange, model: str, able: list[str]) -> ModelNotFound:
        provider, _, rest = model.partition("/")
        near = [f"{name}/{rest}" for name in get_close_matches(provider, self._providers) if rest]
        known = ", ".join([*self._aliases, *(f"{name}/…" for name in self._providers)][:12])
        hint = f" Known here: {known or 'none'}; see GET /v1/models."
        if close := get_close_matches(model, [*self._aliases, *near], n=1):
            hint = f" Did you mean {close[0]!r}?"
        elif able and not rest:
            hint = f" Name a provider, as in {self._first(exchange, able) + '/' + model!r}."
        return ModelNotFound(f"There is no model {model!r}.{hint}", param="model")

    def _without_model(self, exchange: Exchange) -> Plan:
        wanted = exchange.request.headers.get("x-jackfield-provider")
        if wanted is not None and wanted not in self._providers:
            raise NotFound(f"There is no provider {wanted!r}.", param="x-jackfield-provider")
        given = {name: one for name, one in self._providers.items() if wanted in (None, name)}
        able = [name for name, provider in given.items() if _serves(provider, exchange)]
        if not able:
            requested = f"{exchange.request.method} {shown_path(exchange.request.path)}"
            raise NotFound(f"No configured provider serves {requested}; is the base URL right?")
        name = self._first(exchange, able)
        why = "the provider is named" if wanted else "the first that serves this endpoint"
        return Plan((Target(name, ""),), (Decision(f"target {name}", why, "kernel"),))

    def _first(self, exchange: Exchange, names: Sequence[str]) -> str:
        """The first provider whose plugin brings the endpoint, or else the first of all."""
        own = (name for name in names if exchange.endpoint in self._providers[name].endpoints)
        return next(own, names[0])

    def _without_losses(self, exchange: Exchange, plan: Plan, on_loss: str) -> Plan:
        """Drop targets that would lose something; "route" keeps them if all would."""
        losses = {one: losses_of(self._providers, exchange, one) for one in plan.targets}
        if on_loss == "route" and all(losses.values()):
            return plan.note("keep all", "on_loss = route: every target loses something")
        for target, lost in losses.items():
            if lost:
                named = ", ".join(map(str, lost))
                plan = plan.drop(target, f"on_loss = {on_loss}: {named}")
        return plan.signed("kernel")


def _serves(provider: Provider, exchange: Exchange) -> bool:
    with Blaming(provider, "serves"):
        return provider.serves(exchange.endpoint)
    return False


def losses_of(
    providers: Mapping[str, Provider], exchange: Exchange, target: Target
) -> tuple[Loss, ...]:
    """What a target would lose of the request: if it cannot say, that is a loss too."""
    provider = providers[target.provider]
    with Blaming(provider, "losses"):
        return tuple(provider.losses(exchange, target))
    return (Loss("unknown", "", "dropped", "the provider failed to say what it loses"),)


def _shuffled(targets: Sequence[WeightedTarget]) -> list[WeightedTarget]:
    """In random order, weighted (Efraimidis and Spirakis, 2006)."""

    def draw(target: WeightedTarget) -> float:
        return random.random() ** (1 / target.weight) if target.weight else 0.0  # noqa: S311

    return sorted(targets, key=draw, reverse=True)
