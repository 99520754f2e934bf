"""What pytest loads automatically: the options of the conformance kit, and a fixture."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from .client import GatewayClient


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of `jackfield.testing.conformance`."""
    group = parser.getgroup("jackfield")
    group.addoption(
        "--jackfield-plugin",
        action="append",
        default=[],
        metavar="NAME",
        help="a plugin to check; with --pyargs jackfield.testing.conformance",
    )
    group.addoption(
        "--jackfield-config",
        default=None,
        metavar="FILE",
        help="the configuration that has the plugin's table",
    )


@pytest.fixture
def run_gateway() -> "Callable[..., AbstractAsyncContextManager[GatewayClient]]":
    """`jackfield.testing.run_gateway`: a gateway in the test's own process."""
    from . import gateway  # noqa: PLC0415 - imported only when used

    return gateway.run_gateway
