"""The list of models, whole and as somebody with fewer rights sees it."""

from jackfield import Principal
from jackfield.catalogue import Catalogue, retiring
from jackfield.config import ModelTable, parse, read_settings
from jackfield.testing import FakeProvider

ALIASES = {
    "fast": ModelTable(targets=("fake/small",)),
    "slow": ModelTable(targets=("other/large",), fallbacks=("fast",)),
}


async def names(principal: Principal) -> list[str]:
    provider = FakeProvider(FakeProvider.Config(models=("small", "large")))
    provider.name = "fake"
    catalogue = Catalogue(ALIASES, {"fake": provider})
    return [one.name for one in await catalogue.seen_by(principal).models()]


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


def test_targets_that_their_vendor_switches_off_are_told() -> None:
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
