"""The price book: prices of models by provider, model and day."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

import msgspec
from attrs import frozen
from attrs.validators import matches_re, optional

from jackfield._config.options import option
from jackfield._media_bounds import IMAGE, read_body
from jackfield._price_list import Entry, days_between, read_condition, shipped_entries
from jackfield.bounds import MOST, NOTHING, Bound, Sizes, cost_of, is_billable, sizes_of
from jackfield.capabilities import Capabilities, ModelFacts
from jackfield.globs import matches
from jackfield.messages import Usage
from jackfield.rates import Rates, Tariff

if TYPE_CHECKING:
    from jackfield.exchange import Exchange
    from jackfield.plan import Target
    from jackfield.setup import Setup

_HOUR: Final = 3_600
_DATE: Final = r"\d{4}-\d\d-\d\d"
_MOST_KEPT: Final = 4096
_CHOOSER: Final = "openrouter"
_STANDARD: Final = frozenset({"", "auto", "default", "standard", "on_demand", "standard_only"})


@frozen
class Price(Rates):
    """`[prices."provider/model"]`: the price of a model, in dollars.

    Rates that are left out are as in the shipped price book. Days begin at midnight UTC.
    """

    since: str | None = option(
        None,
        "The first day on which the price applies, as YYYY-MM-DD.",
        validator=optional(matches_re(_DATE)),
    )
    until: str | None = option(
        None, "The first day on which it no longer applies.", validator=optional(matches_re(_DATE))
    )
    when: Mapping[str, Rates] = option(
        {},
        "Other rates under a condition: a service tier such as `batch`, `flex` or `priority`;"
        " `above N` for requests with more than N input tokens; `hours 1-4` for hours of the day in"
        " UTC, the last one excluded; or several of these in the"
        " order `hours 1-4 batch above N`.",
    )

    def __attrs_post_init__(self) -> None:
        self.entry()

    def entry(self) -> "Entry":
        """The price as an entry of the book. Raises ValueError for invalid values."""
        when = {condition: rates.nano() for condition, rates in self.when.items()}
        return Entry(self.nano(), when, *days_between(self.since, self.until))


class Cost(msgspec.Struct, frozen=True):
    """A cost in nano-dollars. `missing`: some or all of the usage has no price."""

    nano: int
    missing: bool = False
    unpriced: tuple[str, ...] = ()
    """The names of the missing rates; empty if the model has no price at all."""


UNKNOWN: Final = Cost(0, missing=True)
"""The cost of a model without a price."""


class Worst(NamedTuple):
    """A tariff for input above a length, and the highest factors of its input and output tokens."""

    above: int
    given: int
    made: int
    request: int
    tariff: Tariff

    @classmethod
    def of(cls, above: int, tariff: Tariff, given: str, made: str) -> "Worst":
        """Look up the factors by the names of the rates; a rate that the tariff lacks counts 0."""
        factor = tariff.factors.get
        return cls(above, factor(given, 0), factor(made, 0), factor("request", 0), tariff)


class Schedule:
    """The prices of one model on one day, for every service tier and input length."""

    __slots__ = ("_standard", "_tiers", "_worst", "own")

    def __init__(
        self, rates: Mapping[str, int], when: Mapping[str, Mapping[str, int]], *, own: bool = False
    ) -> None:
        self.own = own
        """Whether any of the rates comes from the configuration."""
        names = {read_condition(condition)[0] for condition in when}
        self._tiers = {name: _lengths(name, rates, when) for name in names | {""}}
        self._standard = self._tiers[""]
        self._worst: dict[Any, tuple[Worst, ...]] = {}

    def tariff(self, input_tokens: int, service_tier: str | None = None) -> Tariff:
        """The rates for a number of input tokens, and for a service tier if it has its own."""
        lengths = self._standard
        if service_tier is not None and service_tier not in _STANDARD:
            lengths = self._tiers.get(service_tier, lengths)
        for above, tariff in lengths:
            if input_tokens > above:
                return tariff
        return lengths[-1][1]

    def cost(self, usage: Usage) -> Cost:
        """The cost of a usage."""
        tariff = self.tariff(usage.input_tokens, usage.service_tier)
        nano, unpriced = tariff.cost(usage)
        return Cost(nano, bool(unpriced), unpriced)

    def worst(self, tiers: tuple[str, ...], hour_cache: bool, audio: bool) -> Sequence[Worst]:
        """Every tariff that may apply to a request, with the highest rates of its tokens."""
        key = (tiers, hour_cache, audio)
        found = self._worst.get(key)
        if found is None:
            found = self._worst[key] = tuple(self._dearest(tiers, hour_cache, audio))
        return found

    def _dearest(self, tiers: tuple[str, ...], hour_cache: bool, audio: bool) -> Iterator[Worst]:
        given = ["input", "cached", "cache_write", "image_input", "image_cached"]
        made = ["output", "reasoning", "image_output"]
        if hour_cache:
            given.append("cache_write_1h")
        if audio:
            given += ["audio_input", "audio_cached"]
            made.append("audio_output")
        # A workspace may be restricted to a more expensive region, whatever its requests say, and a
        # header may ask for optimized latency.
        names = ("", "us", "optimized", *tiers, *(f"us_{tier}" for tier in tiers))
        for name in dict.fromkeys(names):
            for above, tariff in self._tiers.get(name, ()):
                yield Worst.of(above, tariff, tariff.dearest(*given), tariff.dearest(*made))


class PriceBook:
    """Looks up prices.

    `own` has the prices of the configuration, by pattern: "provider/model", with `*` for any text.
    They take precedence over the shipped ones, and for each rate the first pattern that has it
    counts. `names` returns the names of a provider's vendor besides the name of its table.
    """

    def __init__(
        self,
        own: Mapping[str, Price | Sequence[Price]] | None = None,
        names: Callable[[str], Sequence[str]] = lambda provider: (),
        facts: ModelFacts | None = None,
    ) -> None:
        self._own = [
            (pattern.lower(), price.entry())
            for pattern, prices in (own or {}).items()
            for price in ([prices] if isinstance(prices, Price) else prices)
        ]
        self._names = names
        self._facts = facts or ModelFacts()
        self._schedule = lru_cache(_MOST_KEPT)(self._find)
        self._nature = lru_cache(_MOST_KEPT)(self._nature_of)

    @classmethod
    def of_gateway(cls, setup: "Setup") -> Self:
        """The book of a gateway, in which providers are also known by their plugins and presets."""
        settings, providers = setup.settings, setup.providers

        def names(provider: str) -> Sequence[str]:
            known = getattr(providers.get(provider), "vendor", None)
            if known is not None:
                return (known,) if known else ()
            table = settings.providers.get(provider)
            return (table.use,) if table is not None else ()

        return cls(settings.prices, names, ModelFacts(settings.capabilities))

    def of(self, provider: str, model: str, at: float) -> Schedule | None:
        """The prices of a model at a time, in seconds since 1970; None if it has none."""
        return self._schedule(provider, model, int(at // _HOUR))

    def cost(self, target: "Target", usage: Usage, *, at: float | None = None) -> Cost:
        """The cost of a usage at a time, in seconds since 1970, or now.

        A cost that the provider itself reports takes precedence over shipped prices, but not over
        those of the configuration.
        """
        at = time.time() if at is None else at
        schedule = self.of(target.provider, target.model, at)
        if usage.cost is not None and (schedule is None or not schedule.own):
            return Cost(usage.cost)
        if usage.bills:
            return self._sum(target.provider, target.model, usage, at)
        return UNKNOWN if schedule is None else schedule.cost(usage)

    def bound(self, exchange: "Exchange", target: "Target", *, at: float | None = None) -> Bound:
        """The maximum of tokens that a request can use, and of its cost.

        `nano` is None if there is no price.
        """
        at = time.time() if at is None else at
        request, like = exchange.request, (exchange.max_tokens, exchange.model, int(at // _HOUR))
        kept = exchange.state.get(self)  # several plugins ask the same
        if kept is not None:
            bound: Bound = kept[0]
            if kept[1] is request and kept[2] is target and kept[3] == like:
                return bound
        if not is_billable(exchange):
            return NOTHING
        bound = self._bound(exchange, target.provider, target.model, at)
        for name in self._others(exchange, target):
            other = self._bound(exchange, target.provider, name, at)
            bound = max(bound, other, key=lambda one: inf if one.nano is None else one.nano)
        exchange.state[self] = (bound, request, target, like)
        return bound

    def _bound(self, exchange: "Exchange", provider: str, model: str, at: float) -> Bound:
        vendors, able = self._nature(provider, model)
        sizes = sizes_of(exchange, vendors, able)
        schedule = self.of(provider, model, at)
        nano = None if schedule is None else min(cost_of(sizes, schedule), MOST)
        if sizes.images is not None and nano is not None:
            painter, count = sizes.images
            painting = self.of(provider, painter, at)
            made = Sizes(count * IMAGE, count * IMAGE)
            nano = None if painting is None else min(nano + cost_of(made, painting), MOST)
        return Bound(min(sizes.input_tokens, MOST), min(sizes.output_tokens, MOST), nano)

    def _others(self, exchange: "Exchange", target: "Target") -> Sequence[str]:
        """Models that OpenRouter may use instead of the one that the request names."""
        chooses = _CHOOSER in self._nature(target.provider, target.model)[0]
        named = read_body(exchange)[1].get("models") if chooses else None
        return [name for name in named if type(name) is str] if type(named) is list else ()

    def _nature_of(self, provider: str, model: str) -> tuple[tuple[str, ...], Capabilities]:
        """The names of a provider, and the capabilities of its model."""
        vendors = (provider, *self._names(provider))
        return vendors, self._facts.of(model, *vendors)

    def _sum(self, provider: str, model: str, usage: Usage, at: float) -> Cost:
        costs = []
        for bill in usage.bills:
            schedule = self.of(provider, bill.model or model, at)
            costs.append(UNKNOWN if schedule is None else schedule.cost(bill.usage))
        return Cost(
            sum([cost.nano for cost in costs]),
            any(cost.missing for cost in costs),
            tuple(name for cost in costs for name in cost.unpriced),
        )

    def _find(self, provider: str, model: str, hours: int) -> Schedule | None:
        day, hour = divmod(hours, 24)
        vendors = dict.fromkeys(name.lower() for name in (provider, *self._names(provider)))
        model = model.lower()
        own = [*self._own_entries(vendors, model, day)]
        named = model.rpartition("/")[2] if model.startswith("arn:") else model
        entries = own + [*shipped_entries(vendors, named, day)][:1]
        if not entries:
            return None
        rates: dict[str, int] = {}
        when: dict[str, dict[str, int]] = {}
        for entry in reversed(entries):
            rates.update(entry.rates)
            for condition, others in entry.at(hour):
                when.setdefault(condition, {}).update(others)
        return Schedule(rates, when, own=bool(own))

    def _own_entries(self, vendors: Iterable[str], model: str, day: int) -> Iterator[Entry]:
        full = [f"{vendor}/{model}" for vendor in vendors]
        for pattern, entry in self._own:
            # Names of models may have slashes too: openai/gpt-oss-120b at Groq is not OpenAI's.
            names = full if "/" in pattern else [model]
            if entry.holds(day) and any(matches(pattern, name) for name in names):
                yield entry


def _lengths(
    tier: str, rates: Mapping[str, int], when: Mapping[str, Mapping[str, int]]
) -> tuple[tuple[int, Tariff], ...]:
    """The tariffs of one service tier, with the input length above each, longest first."""
    lengths = {-1, *(read_condition(condition)[1] for condition in when)}
    made = []
    for longest in sorted(lengths, reverse=True):
        merged = dict(rates)
        for name in dict.fromkeys(("", tier)):
            for above in sorted(lengths):
                if above <= longest:
                    merged.update(when.get(_name(name, above), {}))
        made.append((longest, Tariff(merged)))
    return tuple(made)


def _name(tier: str, above: int) -> str:
    return " ".join(filter(None, (tier, f"above {above}" if above >= 0 else "")))
