"""Each file in wrong_configs/ ends with the problems that must be found in it, all at once."""

from enum import Enum
from pathlib import Path
from typing import Literal

import attrs
import pytest
from attrs import frozen
from attrs.validators import ge, le

from jackfield.config import (
    PLUGIN_KEYS,
    PROVIDER_KEYS,
    Document,
    load,
    option,
    read_settings,
    report_unknown_plugin,
)
from jackfield.errors import ConfigError
from jackfield.secrets import SecretRef, SecretSources
from jackfield.timeouts import Timeouts

FILES = sorted((Path(__file__).parent / "wrong_configs").glob("*.toml"))


class Level(Enum):
    LOW = "low"
    HIGH = "high"


@frozen
class WeightedKey:
    secret: SecretRef
    weight: int = option(1, "Its share.", validator=ge(1))


@frozen
class AccessKey:
    access_key: SecretRef
    secret_key: SecretRef
    region: str


@frozen
class Bearer:
    bearer: SecretRef


@frozen
class OpenAi:
    base_url: str = "https://example.com/v1"
    keys: tuple[SecretRef | WeightedKey, ...] = ()
    models: tuple[str, ...] = ()
    credentials: AccessKey | Bearer | None = None
    timeouts: Timeouts = option(Timeouts())


@frozen
class Rule:
    name: str
    limit: float = option(1.0, validator=[ge(0), le(1)])
    level: Level = Level.LOW


@frozen
class Budgets:
    currency: Literal["usd", "eur"] = "usd"
    rules: list[Rule] = attrs.field(factory=list)
    tenants: dict[str, dict[str, int]] = attrs.field(factory=dict)
    window: tuple[int, str] = (1, "day")
    low: int = 0
    high: int = attrs.field(default=10)

    @high.validator
    def _above_low(self, attribute: object, value: int) -> None:
        if value < self.low:
            raise ValueError(f"must not be below low, which is {self.low}")


PROVIDERS: dict[str, type] = {"openai": OpenAi}
PLUGINS: dict[str, type] = {"budgets": Budgets, "cache": Budgets}


def _problems(path: Path) -> list[str]:
    try:
        document = load(path)
        _check(document)
        document.problems.raise_if_any()
    except ConfigError as error:
        return error.problems
    return []


def _check(document: Document) -> None:
    sources = SecretSources(document.directory, {"BLANK": " ", "SAMPLE": "sk-1234", "GOOD": "k"})
    settings = read_settings(document)
    for name, provider in settings.providers.items():
        if provider.use not in PROVIDERS:
            report_unknown_plugin(document, ("providers", name), provider.use, PROVIDERS)
            continue
        at = ("providers", name)
        defaults = {"timeouts": settings.upstream.timeouts}
        cls = PROVIDERS[provider.use]
        document.structure(cls, at, reserved=PROVIDER_KEYS, defaults=defaults, sources=sources)
    for name, plugin in settings.plugins.items():
        if plugin.use in PLUGINS:
            document.structure(PLUGINS[plugin.use], ("plugins", name), reserved=PLUGIN_KEYS)
        else:
            report_unknown_plugin(document, ("plugins", name), plugin.use, PLUGINS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_problems_are_reported_at_their_place(path: Path) -> None:
    lines = path.read_bytes().decode().splitlines()
    expected = [line.removeprefix("#> ") for line in lines if line.startswith("#> ")]
    assert expected
    assert [problem.removeprefix(f"{path}:") for problem in _problems(path)] == expected


def test_a_literal_key_is_never_repeated() -> None:
    for path in FILES:
        assert "sk-live" not in "\n".join(_problems(path))
