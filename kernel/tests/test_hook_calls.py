"""What becomes of a hook that cannot reach somebody: its policy decides."""

import json

import pytest

from jackfield import Exchange, Plugin, ProviderError, hookimpl
from jackfield.store import StoreUnavailable
from jackfield.testing import run_gateway

TOML = '[plugins.caller]\non_error = "skip"\naccept_risk = true\nuse = "{}"'


class KnowsNobody(Plugin):
    """Calls out, and nobody is there."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        raise ProviderError("No connection could be made.")


class KeepsNothing(Plugin):
    """Has a store that is away."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        raise StoreUnavailable("The store does not answer.")


@pytest.mark.parametrize("kind", [KnowsNobody, KeepsNothing])
async def test_what_a_plugin_cannot_reach_is_skipped_if_configured_so(
    kind: type[Plugin],
) -> None:
    async with run_gateway(TOML.format("kind"), {"kind": kind}) as client:
        assert (await client.chat()).status == 200
        assert client.settled[-1].exchange.failures


async def test_a_store_that_is_away_is_reported_by_the_plugins_that_need_it() -> None:
    async with run_gateway("[plugins.kind]", {"kind": KeepsNothing}) as client:
        assert (await client.chat()).status == 503


class ReadsWhatIsNone(Plugin):
    """Hands a library something that the library chokes on."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        self.read("{")

    def read(self, text: str) -> None:
        json.loads(text)


async def test_the_log_names_the_plugins_own_line_not_the_librarys(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run_gateway("[plugins.kind]", {"kind": ReadsWhatIsNone}) as client:
        assert (await client.chat()).status == 500
    assert f"raised JSONDecodeError at {__file__}:" in caplog.text
    assert "in ReadsWhatIsNone.read; policy refuse" in caplog.text
