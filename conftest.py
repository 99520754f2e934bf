"""What the tests of every room share."""

import gc

import pytest
from hypothesis import settings

# A busy machine is no failure: pytest-timeout has the last word on time.
settings.register_profile("jackfield", deadline=None)
settings.load_profile("jackfield")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes long or much, unless it is asked for."""
    if config.getoption("-m"):
        return
    heavy = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=heavy)
    items[:] = [item for item in items if item not in heavy]


def pytest_collection_finish() -> None:
    """Keep tens of thousands of tests from being searched for garbage, which stops every clock."""
    gc.collect()
    gc.freeze()
