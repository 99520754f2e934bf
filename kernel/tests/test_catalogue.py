"""The list of models, whole and as somebody with fewer rights sees it."""

from jackfield import Principal
from jackfield.catalogue import Catalogue
from jackfield.testing import FakeProvider


async def names(principal: Principal) -> list[str]:
    provider = FakeProvider(FakeProvider.Config(models=("small", "large")))
    provider.name = "fake"
    catalogue = Catalogue(("fast", "slow"), {"fake": provider})
    return [one.name for one in await catalogue.seen_by(principal).models()]


async def test_who_may_use_everything_sees_everything() -> None:
    assert await names(Principal()) == ["fast", "slow", "fake/small", "fake/large"]


async def test_patterns_name_aliases_and_models_with_or_without_their_provider() -> None:
    assert await names(Principal(models=("fast", "lar*"))) == ["fast", "fake/large"]
    assert await names(Principal(models=("fake/s*",))) == ["fake/small"]
    assert await names(Principal(models=())) == []


async def test_models_of_other_providers_are_not_shown() -> None:
    assert await names(Principal(providers=("openai",))) == ["fast", "slow"]
