"""Gateways of their own for tests, heavy tests only on demand, and the figures of those."""

from pathlib import Path

import pytest
from tests.faults.bars import Figures

FIGURES = pytest.StashKey[Figures]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = Figures()


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    figures = config.stash[FIGURES].all
    if figures:
        terminalreporter.section("measured against the bars")
        for figure in figures:
            terminalreporter.line(figure.line(), red=not figure.held)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def figures(pytestconfig: pytest.Config) -> Figures:
    return pytestconfig.stash[FIGURES]
