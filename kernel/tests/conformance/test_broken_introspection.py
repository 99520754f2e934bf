"""Plugins that answer the kernel's questions about themselves wrongly, each found by the kit."""

from typing import Any

import pytest

from jackfield import Exchange, Plugin, Target
from jackfield.endpoints import Endpoint
from jackfield.testing import FakeProvider


class ReturnsHealthAsBool(Plugin):
    async def health(self) -> Any:
        return True


class ListsStrings(FakeProvider):
    async def models(self) -> Any:
        return ["echo"]


class ServesNone(FakeProvider):
    def serves(self, endpoint: Endpoint) -> Any:
        return None


class FailsToListLosses(FakeProvider):
    def losses(self, exchange: Exchange, target: Target) -> Any:
        raise KeyError("tools")


CASES: list[tuple[str, type[Plugin], str]] = [
    ("health", ReturnsHealthAsBool, "its health returned True"),
    ("listing", ListsStrings, "its models returned 'echo'"),
    ("listing", ServesNone, "returned None, which is no bool"),
    ("listing", FailsToListLosses, "its losses failed"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law(law: str, kind: type[Plugin], what: str, verdict: Any) -> None:
    assert what in verdict(kind, law)
