"""One gateway in front of the recorded vendors, for all clients."""

from collections.abc import Iterator

import pytest
from tests.clients.gateway import serving
from tests.clients.upstream import Upstream
from tests.clients.vendors import VENDORS

SETTINGS = """
[server]
bind = "127.0.0.1:0"
admin = ""
[upstream]
retries = 0
"""


@pytest.fixture(scope="session")
def vendors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    upstream = Upstream(tmp_path_factory.mktemp("nothing_recorded"))
    with upstream.serving():
        yield upstream


@pytest.fixture(scope="session")
def gateway(vendors: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a gateway whose providers are all recorded."""
    tables = [vendor.provider(vendors.url) for vendor in VENDORS.values()]
    with serving(tmp_path_factory.mktemp("gateway"), "\n".join([SETTINGS, *tables])) as url:
        yield url


@pytest.fixture
def upstream(vendors: Upstream) -> Iterator[Upstream]:
    """The vendors; what a test has them play has to be used up."""
    vendors.forget()
    yield vendors
    assert not vendors.unplayed
