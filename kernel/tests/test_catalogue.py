"""The list of models, whole and as somebody with fewer rights sees it."""

import asyncio
import time
from collections.abc import Sequence

import pytest

from jackfield import Principal, ProviderError
from jackfield.catalogue import KEEP_SECONDS, Catalogue, retiring
from jackfield.config import ModelTable, parse, read_settings
from jackfield.providers import ModelInfo
from jackfield.testing import FakeProvider

ALIASES = {
    "fast": ModelTable(targets=("fake/small",)),
    "slow": ModelTable(targets=("other/large",), fallbacks=("fast",)),
}


async def names(principal: Principal) -> list[str]:
    provider = FakeProvider(FakeProvider.Config(models=("small", "large")))
    provider.name = "fake"
    catalogue = Catalogue(ALIASES, {"fake": provider})
    return [one.name for one in await catalogue.visible_to(principal).models()]


async def test_who_may_use_everything_sees_everything() -> None:
    assert await names(Principal()) == ["fast", "slow", "fake/small", "fake/large"]


async def test_patterns_name_aliases_and_models_with_or_without_their_provider() -> None:
    assert await names(Principal(models=("fast", "lar*"))) == ["fast", "fake/large"]
    assert await names(Principal(models=("fake/s*",))) == ["fake/small"]
    assert await names(Principal(models=())) == []


async def test_models_of_other_providers_are_not_shown() -> None:
    assert await names(Principal(providers=("openai",))) == []


async def test_an_alias_is_shown_to_whom_it_leads_somewhere() -> None:
    assert await names(Principal(providers=("other",))) == ["slow"]
    assert await names(Principal(providers=("fake",), models=("slow",))) == ["slow"]


def test_targets_that_their_vendor_switches_off_are_reported() -> None:
    document = parse(
        """
        providers = { own = {}, other = {} }
        capabilities."own/old*" = { retires = 2020-02-29 }
        capabilities."own/new" = { retires = 2999-12-31 }
        models.a = { targets = ["own/new", "own/older"], fallbacks = ["other/old", "b"] }
        models.b = { targets = ["own/old"] }
        """
    )
    assert retiring(read_settings(document)) == [
        "models.a: the vendor of own/older switches it off on 2020-02-29",
        "models.b: the vendor of own/old switches it off on 2020-02-29",
    ]
    document.problems.raise_if_any()


class Slow(FakeProvider):
    """Lists its models once it may."""

    def __init__(self) -> None:
        super().__init__(FakeProvider.Config())
        self.name = "slow"
        self.lookups = 0
        self.go_on = asyncio.Event()
        self.away = False

    async def models(self) -> Sequence[ModelInfo]:
        self.lookups += 1
        await self.go_on.wait()
        if self.away:
            raise ProviderError("It is away.")
        return [ModelInfo("small", "slow")]


async def test_all_who_ask_at_once_share_one_lookup() -> None:
    provider = Slow()
    catalogue = Catalogue({}, {"slow": provider})
    reader = catalogue.visible_to(Principal(models=("*",)))
    asking = [asyncio.create_task(one.of("slow")) for one in (catalogue, catalogue, reader)]
    await asyncio.sleep(0)
    provider.go_on.set()
    listed = await asyncio.gather(*asking, catalogue.of("slow"))
    assert [[one.id for one in each] for each in listed] == [["small"]] * 4
    assert provider.lookups == 1


async def test_who_leaves_does_not_end_the_lookup_of_the_others() -> None:
    provider = Slow()
    catalogue = Catalogue({}, {"slow": provider})
    first, second = [asyncio.create_task(catalogue.of("slow")) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    provider.go_on.set()
    assert [one.id for one in await second] == ["small"]
    assert (first.cancelled(), provider.lookups) == (True, 1)


async def test_a_lookup_that_failed_is_repeated_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Slow()
    provider.away = True
    provider.go_on.set()
    catalogue = Catalogue({}, {"slow": provider})
    assert await catalogue.of("slow") == ()
    assert catalogue.fresh_until(["slow"]) < time.monotonic() + KEEP_SECONDS / 9
    monkeypatch.setattr("jackfield.catalogue.KEEP_SECONDS", 0.0)
    catalogue = Catalogue({}, {"slow": provider})
    assert await catalogue.of("slow") == ()
    provider.away = False
    assert [one.id for one in await catalogue.of("slow")] == ["small"]
