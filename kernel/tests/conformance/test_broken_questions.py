"""Plugins that answer the kernel's questions about themselves wrongly, each found by the kit."""

from typing import Any

import pytest

from jackfield import Exchange, Plugin, Target
from jackfield.endpoints import Endpoint
from jackfield.testing import FakeProvider


class FeelsFine(Plugin):
    async def health(self) -> Any:
        return True


class ListsWords(FakeProvider):
    async def models(self) -> Any:
        return ["echo"]


class ServesSomething(FakeProvider):
    def serves(self, endpoint: Endpoint) -> Any:
        return None


class LosesCount(FakeProvider):
    def losses(self, exchange: Exchange, target: Target) -> Any:
        raise KeyError("tools")


CASES: list[tuple[str, type[Plugin], str]] = [
    ("health", FeelsFine, "its health returned True"),
    ("listing", ListsWords, "its models returned 'echo'"),
    ("listing", ServesSomething, "returned None, which is no bool"),
    ("listing", LosesCount, "its losses failed"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law(law: str, kind: type[Plugin], what: str, verdict: Any) -> None:
    assert what in verdict(kind, law)
