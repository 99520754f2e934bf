"""Schemes of secrets that plugins add."""

import pytest
from attrs import frozen

from jackfield import Plugin, SecretRef, Setup, option
from jackfield.errors import ConfigError
from jackfield.secrets import SecretError
from jackfield.testing import run_gateway

DRAWER = "[plugins.drawer]\n"
KEEPER = '[plugins.keeper]\nkey = "drawer:top"\n'


class Drawer(Plugin):
    """Secrets of the form `drawer:NAME`."""

    secret_schemes: tuple[str, ...] = ("drawer",)

    async def start(self, setup: Setup) -> None:
        setup.add_secret_source("drawer", lambda location: f"what is in {location}")


class Undeclared(Drawer):
    """Adds a scheme that it does not announce."""

    secret_schemes = ()


class Keeper(Plugin):
    """Has a key."""

    @frozen
    class Config:
        """`[plugins.keeper]`."""

        key: SecretRef = option(doc="The key.")

    config: Config

    async def start(self, setup: Setup) -> None:
        self.key = await setup.secret(self.config.key)


class Early(Keeper):
    """Starts first, as what brings a store does."""

    brings_store = True


PLUGINS = {"drawer": Drawer, "keeper": Keeper, "undeclared": Undeclared, "early": Early}


async def test_later_plugins_have_secrets_of_a_plugin_s_scheme() -> None:
    async with run_gateway(DRAWER + KEEPER, PLUGINS) as client:
        keeper = client.plugin("keeper")
        assert isinstance(keeper, Keeper)
        assert keeper.key.reveal() == "what is in top"


async def test_an_earlier_plugin_is_told_to_come_later() -> None:
    with pytest.raises(ConfigError, match=r"2:7: plugins\.keeper\.key: unknown .* comes before"):
        async with run_gateway(KEEPER + DRAWER, PLUGINS):
            pass


async def test_a_store_starts_before_every_source() -> None:
    store = DRAWER + KEEPER.replace("keeper", "early")
    with pytest.raises(SecretError, match="secret drawer:top: its plugin has not started yet"):
        async with run_gateway(store, PLUGINS):
            pass


async def test_a_scheme_of_no_plugin_is_refused_at_its_line() -> None:
    with pytest.raises(ConfigError, match=r"4:7: plugins\.keeper\.key: unknown .* file:, drawer:"):
        async with run_gateway(f"{DRAWER}\n{KEEPER.replace('drawer', 'drawers')}", PLUGINS):
            pass


async def test_a_scheme_that_is_not_declared_is_refused() -> None:
    with pytest.raises(ConfigError, match="'drawer' is not in secret_schemes of the plugin"):
        async with run_gateway("[plugins.undeclared]", PLUGINS):
            pass
