"""The vendors behind the gateway, and the marks by which tests are run for each of them."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import frozen
from tests.clients.recording import Recording, recording

_TABLES: Final = tomllib.loads(Path(__file__).with_name("vendors.toml").read_text())
_OWN_KEYS: Final = ("path", "model", "embedder", "reranker", "recordings")


@frozen(eq=False)
class Vendor:
    """A provider of the gateway, and what its API answers."""

    name: str
    table: Mapping[str, Any]

    @property
    def model(self) -> str:
        """The model that clients ask for."""
        return f"{self.name}/{self.table['model']}"

    @property
    def embedder(self) -> str:
        return f"{self.name}/{self.table['embedder']}"

    @property
    def reranker(self) -> str:
        return f"{self.name}/{self.table['reranker']}"

    def recorded(self, kind: str) -> Recording:
        """What it answers to a request of a kind."""
        return recording(self.table["recordings"][kind])

    def provider(self, upstream: str) -> str:
        """Its table in the gateway's configuration."""
        given = {key: value for key, value in self.table.items() if key not in _OWN_KEYS}
        models = [self.table[key] for key in _OWN_KEYS[1:4] if key in self.table]
        lines = [f"{key} = {json.dumps(value)}" for key, value in given.items()]
        lines.append(f'base_url = "{upstream}{self.table["path"]}"')
        lines.append(f'keys = ["env:UPSTREAM_KEY"]\nmodels = {json.dumps(models)}')
        return "\n".join([f"[providers.{self.name}]", *lines, ""])


VENDORS: Final = {name: Vendor(name, table) for name, table in _TABLES.items()}


def each_vendor(*kinds: str) -> pytest.MarkDecorator:
    """Run a test for each vendor of whom there are recordings of these kinds."""
    having = [one for one in VENDORS.values() if set(kinds) <= set(one.table["recordings"])]
    return pytest.mark.parametrize("vendor", having, ids=lambda vendor: vendor.name)
