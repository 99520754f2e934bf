"""Whether the time that a refusal takes tells an id that exists from one that does not."""

import random
import statistics
import time
from pathlib import Path
from typing import Any

import pytest

from jackfield_virtual_keys.key_text import KeyText, new_key_text

SAMPLES = 5_000
LARGEST_T = 4.5
CUT = 0.9
"""The share of the samples that is looked at: the slowest are the machine's own."""


def welch(one: list[int], other: list[int]) -> float:
    """Welch's t of two sets of samples."""
    means = statistics.fmean(one) - statistics.fmean(other)
    spread = statistics.variance(one) / len(one) + statistics.variance(other) / len(other)
    return float(means / spread**0.5)


def without_the_slowest(samples: list[int], limit: int) -> list[int]:
    return [sample for sample in samples if sample <= limit]


async def measured(office: Any) -> dict[bool, list[int]]:
    """Nanoseconds of refusals, by whether the id exists, in random order."""
    keyring = office.client.plugin("virtual_keys")._keyring
    ids = [(await office.key(name=f"key {number}"))[3:15] for number in range(20)]
    taken: dict[bool, list[int]] = {True: [], False: []}
    kinds = [True, False] * SAMPLES
    random.Random(4).shuffle(kinds)  # noqa: S311
    for known in kinds:
        secret = new_key_text(random.choice(ids))  # noqa: S311
        key = secret if known else KeyText(new_key_text().id, secret.secret)
        began = time.perf_counter_ns()
        await keyring._verdict(key)
        taken[known].append(time.perf_counter_ns() - began)
    return taken


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_known_id_takes_no_longer_than_an_unknown_one(office: Any, tmp_path: Path) -> None:
    taken = await measured(office)
    limit = sorted([*taken[True], *taken[False]])[int(2 * SAMPLES * CUT)]
    t = welch(*(without_the_slowest(samples, limit) for samples in taken.values()))
    medians = {known: statistics.median(samples) for known, samples in taken.items()}
    print(f"Welch's t {t:.2f}; medians in ns {medians}")  # noqa: T201 - the figure is the point
    assert abs(t) < LARGEST_T
