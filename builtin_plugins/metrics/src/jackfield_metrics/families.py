"""Metrics as plain data, which can be written to a file and added up."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from prometheus_client import Metric
from prometheus_client.registry import Collector


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One value, by its name and its labels."""

    name: str
    labels: tuple[tuple[str, str], ...]
    value: float


class Family(msgspec.Struct, frozen=True, array_like=True):
    """All samples of one metric."""

    name: str
    documentation: str
    type: str
    samples: tuple[Sample, ...]


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(list[Family]).decode


def collected(registry: Collector) -> Iterator[Family]:
    """The metrics of a registry. The times at which series began cannot be added: left out."""
    for metric in registry.collect():
        samples = tuple(
            Sample(one.name, tuple(one.labels.items()), one.value)
            for one in metric.samples
            if not one.name.endswith("_created")
        )
        yield Family(metric.name, metric.documentation, metric.type, samples)


def added(families: Iterable[Family]) -> list[Family]:
    """One family for each name, with the sum of each sample."""
    first: dict[str, Family] = {}
    sums: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
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
    """Families in the form from which the library writes its formats."""

    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """Each family as a metric of the library."""
        for family in self._families:
            metric = Metric(family.name, family.documentation, family.type)
            for sample in family.samples:
                metric.add_sample(sample.name, dict(sample.labels), sample.value)
            yield metric
