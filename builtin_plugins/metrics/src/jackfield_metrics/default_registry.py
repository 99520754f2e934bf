"""What other plugins count in the default registry of `prometheus-client`."""

from collections import defaultdict
from pathlib import Path
from typing import Final

import msgspec
from prometheus_client import REGISTRY

from .families import COUNTED, Family, Labels, Sample, collected

_PROCESS_METRICS: Final = ("process_", "python_")
"""Metrics of one process, which have no sum."""

_Values = dict[tuple[str, Labels], float]

_seen: Final[defaultdict[Path, _Values]] = defaultdict(dict)
"""The values that instances in this process have taken note of, by their folder."""


class DefaultRegistry:
    """The part of the default registry that one instance of the plugin reports.

    A reload runs two instances in one process for a time, and the first leaves its counts to the
    second. Every increase is reported by one of them: by the first that sees it.
    """

    def __init__(self, folder: Path) -> None:
        self._seen = _seen[folder]
        self._reported: _Values = {}

    def families(self) -> list[Family]:
        """The families of the registry, those that count with what this instance reports."""
        others = (one for one in collected(REGISTRY) if not one.name.startswith(_PROCESS_METRICS))
        return [self._increases(one) if one.type in COUNTED else one for one in others]

    def _increases(self, family: Family) -> Family:
        samples = tuple([self._increase(sample) for sample in family.samples])
        return msgspec.structs.replace(family, samples=samples)

    def _increase(self, sample: Sample) -> Sample:
        key, value = (sample.name, sample.labels), sample.value
        seen = self._seen.get(key, 0.0)
        # A lower value is that of a metric that has been registered anew.
        increase = value - seen if value >= seen else value
        self._seen[key] = value
        self._reported[key] = reported = self._reported.get(key, 0.0) + increase
        return Sample(*key, reported)
