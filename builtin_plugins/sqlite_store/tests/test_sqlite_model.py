"""The store does what the model does, in random histories."""

from itertools import count
from pathlib import Path

import pytest

from jackfield.testing.stores import Site
from jackfield.testing.stores.machine import compare_with_model


def compare(folder: Path, histories: int) -> None:
    numbers = count()

    def new_site() -> Site:
        path = str(folder / f"{next(numbers)}.db")
        return Site("jackfield_sqlite_store:opened", path, {"deadline": 10.0, "patience": 10.0})

    compare_with_model(new_site, histories=histories)


@pytest.mark.timeout(120)
def test_the_store_agrees_with_the_model(tmp_path: Path) -> None:
    compare(tmp_path, 40)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_store_agrees_with_the_model_for_long(tmp_path: Path) -> None:
    compare(tmp_path, 400)
