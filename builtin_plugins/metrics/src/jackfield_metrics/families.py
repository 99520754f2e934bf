"""Metrics as plain data, which can be written to a file and summed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal, cast

import msgspec
from prometheus_client import Metric
from prometheus_client.registry import Collector

Labels = tuple[tuple[str, str], ...]

_Type = Literal[
    "counter", "gauge", "gaugehistogram", "histogram", "info", "stateset", "summary", "unknown"
]
COUNTED: Final = ("counter", "histogram", "summary")
"""Types of metrics that continue after a restart; gauges end with their process."""


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One value, by its name and its labels."""

    name: str
    labels: Labels
    value: float


class Family(msgspec.Struct, frozen=True, array_like=True):
    """All samples of one metric."""

    name: str
    documentation: str
    type: _Type
    samples: tuple[Sample, ...]


# Unlike JSON, MessagePack has infinity and NaN, which are values of gauges.
encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(list[Family]).decode


def collected(registry: Collector) -> Iterator[Family]:
    """The metrics of a registry, without the creation times of series, which have no sum."""
    for metric in registry.collect():
        samples = tuple(
            Sample(one.name, tuple(one.labels.items()), one.value)
            for one in metric.samples
            if not one.name.endswith("_created")
        )
        yield Family(metric.name, metric.documentation, cast("_Type", metric.type), samples)


def added(families: Iterable[Family]) -> list[Family]:
    """One family for each name, with the sum of each sample."""
    first: dict[str, Family] = {}
    sums: dict[str, dict[tuple[str, Labels], float]] = {}
    for family in families:
        first.setdefault(family.name, family)
        values = sums.setdefault(family.name, {})
        for sample in family.samples:
            key = sample.name, sample.labels
            values[key] = values.get(key, 0.0) + sample.value
    return [
        msgspec.structs.replace(
            family, samples=tuple(Sample(*key, value) for key, value in sums[name].items())
        )
        for name, family in first.items()
    ]


class Exposition(Collector):
    """Families as a collector, from which the library writes its formats."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Each family as a metric of the library."""
        for family in self._families:
            metric = Metric(family.name, family.documentation, family.type)
            for sample in family.samples:
                metric.add_sample(sample.name, dict(sample.labels), sample.value)
            yield metric
