"""The metrics of one process, and how an exchange is counted."""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from jackfield import Exchange, Outcome, Target
from jackfield.prices import PriceBook

_T = TypeVar("_T")

MAX_MODELS: Final = 1000
"""Models with series of their own; the label is empty for any further ones."""

_MAX_SERIES: Final = 16_384
_NANO: Final = 1_000_000_000
_SECONDS_BUCKETS: Final = tuple(0.01 * 2**step for step in range(14))
_TOKENS_BUCKETS: Final = tuple(4**step for step in range(14))
"""Limits of buckets, as OpenTelemetry recommends for `gen_ai` metrics."""

_CALL_LABELS: Final = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")


class Meters:
    """The metrics of one process, in a separate registry.

    Names that begin with `gen_ai` are those of OpenTelemetry's semantic conventions, as Prometheus
    writes them. `plugins` are the names of all plugins, in the order of their tables.
    """

    def __init__(self, plugins: Sequence[str], prices: PriceBook, *, tenants: bool) -> None:
        self.registry = registry = CollectorRegistry()
        self._plugins, self._prices, self._tenants = plugins, prices, tenants
        self._models: set[Target] = set()
        tenant = ("tenant",) if tenants else ()
        self.in_flight = Gauge(
            "jackfield_requests_in_flight", "Requests that are being answered.", registry=registry
        )
        self._requests = _cached(
            Counter(
                "jackfield_requests",
                "Requests, by their status and by how they ended.",
                ("gen_ai_operation_name", "status", "outcome", *tenant),
                registry=registry,
            ).labels
        )
        self._durations = _cached(
            Histogram(
                "gen_ai_server_request_duration_seconds",
                "Time from a request's arrival to the end of its answer.",
                (*_CALL_LABELS, "error_type"),
                buckets=_SECONDS_BUCKETS,
                registry=registry,
            ).labels
        )
        self._first_events = _cached(
            Histogram(
                "gen_ai_server_time_to_first_token_seconds",
                "Time from the first attempt to a stream's first event.",
                _CALL_LABELS,
                buckets=_SECONDS_BUCKETS,
                registry=registry,
            ).labels
        )
        self._tokens = _cached(
            Histogram(
                "gen_ai_client_token_usage",
                "Tokens that providers reported for a request.",
                (*_CALL_LABELS, "gen_ai_token_type"),
                buckets=_TOKENS_BUCKETS,
                registry=registry,
            ).labels
        )
        self._cost = _cached(
            Counter(
                "jackfield_cost_dollars",
                "Cost of the usage that providers reported, at the prices of the price book.",
                (*_CALL_LABELS, *tenant),
                registry=registry,
            ).labels
        )
        self._attempts = _cached(
            Histogram(
                "jackfield_attempt_duration_seconds",
                "Time of an attempt at a provider, for a stream until its first event.",
                (*_CALL_LABELS, "error_type"),
                buckets=_SECONDS_BUCKETS,
                registry=registry,
            ).labels
        )
        self._plugin_seconds = _cached(
            Counter(
                "jackfield_plugin_duration_seconds",
                "Time that a plugin's hooks took.",
                ("plugin",),
                registry=registry,
            ).labels
        )
        self._plugin_failures = _cached(
            Counter(
                "jackfield_plugin_failures",
                "Hooks that failed, were late or returned a wrong type.",
                ("plugin", "hook"),
                registry=registry,
            ).labels
        )

    def count(self, exchange: Exchange, outcome: Outcome) -> None:
        """Count an exchange that has ended."""
        attempts = exchange.attempts
        tenant = (exchange.principal.tenant,) if self._tenants else ()
        self._requests(exchange.operation, str(outcome.status), outcome.kind, *tenant).inc()
        target = attempts[-1].target if attempts else None
        call = self._call_labels(exchange, target, is_known=outcome.status < 400)
        error = outcome.error.code if outcome.error else ""
        self._durations(*call, error).observe(time.monotonic() - exchange.received)
        for attempt in attempts:
            attempt_call = self._call_labels(
                exchange, attempt.target, is_known=attempt.error is None
            )
            self._attempts(*attempt_call, attempt.error or "").observe(attempt.seconds)
        if outcome.events:
            waited = sum([attempt.waited + attempt.seconds for attempt in attempts])
            self._first_events(*call).observe(waited)
        if target is not None and outcome.usage is not None:
            self._tokens(*call, "input").observe(outcome.usage.input_tokens)
            self._tokens(*call, "output").observe(outcome.usage.output_tokens)
            cost = self._prices.cost(target, outcome.usage)
            self._cost(*call, *tenant).inc(max(cost.nano, 0) / _NANO)
        self._count_plugins(exchange)

    def _count_plugins(self, exchange: Exchange) -> None:
        for name, seconds in zip(self._plugins, exchange.timings, strict=True):
            if seconds:
                self._plugin_seconds(name).inc(seconds)
        for failure in exchange.failures:
            plugin, _, hook = failure.partition(":")[0].rpartition(".")
            self._plugin_failures(plugin, hook).inc()

    def _call_labels(
        self, exchange: Exchange, target: Target | None, *, is_known: bool
    ) -> tuple[str, str, str]:
        """The labels of a call. A model is named once it has answered: clients may invent names."""
        if target is None:
            return exchange.operation, "", ""
        if is_known and len(self._models) < MAX_MODELS:
            self._models.add(target)
        model = target.model if target in self._models else ""
        return exchange.operation, target.provider, model


def _cached(labels: Callable[..., _T]) -> Callable[..., _T]:
    """`labels` with a cache, which is faster than the library's own lookup of a series."""
    return lru_cache(maxsize=_MAX_SERIES)(labels)
