"""Plugins broken in their configuration, their life or their discretion, and what the kit says."""

import asyncio
import base64
import logging
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import define, field, frozen

from jackfield import Exchange, InvalidRequest, Outcome, Plugin, SecretRef, Setup, hookimpl
from jackfield.config import option

logger = logging.getLogger(__name__)


class Settles(Plugin):
    """Has a hook; the base of several broken plugins."""

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        exchange.state[self] = outcome.kind


class HasUndocumentedOptions(Settles):
    """Has an option without documentation."""

    @frozen
    class Config:
        limit: int = 3


class UsesAKeyOfTheKernel(Settles):
    """Has an option with the name of a kernel key."""

    @frozen
    class Config:
        deadline_ms: int = option(3, "Never seen by the plugin.")


class ReplacesItsConfiguration(Settles):
    """Keeps something else in `self.config`."""

    def __init__(self, config: Any) -> None:
        super().__init__({"limit": 3})


class RefusesItsDefaults(Settles):
    """Refuses the defaults of its own options."""

    @frozen
    class Config:
        limit: int = option(0, "How many.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        if not config.limit:
            raise ValueError("limit must be above 0")


class RaisesInInit(Settles):
    """Raises in `__init__`."""

    def __init__(self, config: Any) -> None:
        raise KeyError("limit")


class ChangesItsConfiguration(Settles):
    """Counts in its own options."""

    @define
    class Config:
        limit: int = option(3, "How many.")


class SharesItsDefault(Settles):
    """Has one default list for all its instances."""

    @frozen
    class Config:
        words: list[str] = field(default=[], metadata={"doc": "Words."})


class KeepsExchanges(Settles):
    """Keeps every exchange."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.seen: list[Exchange] = []

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        self.seen.append(exchange)


class PatchesTheKernel(Settles):
    """Replaces a method of the kernel."""

    async def start(self, setup: Setup) -> None:
        Exchange.taught = lambda self: None  # type: ignore[attr-defined]

    async def stop(self) -> None:
        if hasattr(Exchange, "taught"):
            del Exchange.taught


class RequiresNoVersion(Settles):
    """Its `requires` cannot be parsed."""

    requires = "~=0.1"


class ReadsFilesTooEarly(Settles):
    """Opens a file in `__init__`."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.machine = Path("/proc/version").read_text()


class LeavesATask(Settles):
    """Starts a task that it never stops."""

    async def start(self, setup: Setup) -> None:
        self.task = asyncio.create_task(asyncio.Event().wait(), name="left over")

    async def stop(self) -> None:
        KEPT.append(self.task)


KEPT: list[asyncio.Task[Any]] = []


class StopsOnlyWhatHasStarted(Settles):
    """Its `stop` raises after a start that was broken off."""

    async def start(self, setup: Setup) -> None:
        await asyncio.sleep(0)
        self.opened = [1]

    async def stop(self) -> None:
        self.opened.clear()


class SharesItsState(Settles):
    """Has one dict for all its instances."""

    table: ClassVar[dict[str, int]] = {}

    async def start(self, setup: Setup) -> None:
        self.table["requests"] = 0

    async def stop(self) -> None:
        self.table.clear()

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        self.table["requests"] += 1


class LogsTexts(Settles):
    """Logs the texts of users."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        logger.info("got %s", exchange.request.body)


class ShowsItsSecret(Settles):
    """Keeps a secret where `repr` shows it."""

    @frozen
    class Config:
        key: SecretRef = option(doc="The key.")

    async def start(self, setup: Setup) -> None:
        self.key = (await setup.secret(self.config.key)).reveal()

    def __repr__(self) -> str:
        return f"ShowsItsSecret({self.key})"


class RepeatsCredentials(Settles):
    """Repeats the credential in its error, in base64."""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        given = exchange.request.headers.get("authorization", "")
        raise InvalidRequest(f"not known: {base64.b64encode(given.encode()).decode()}")


CASES: list[tuple[str, type[Plugin], str]] = [
    ("documented-options", HasUndocumentedOptions, "limit are not documented"),
    ("documented-options", UsesAKeyOfTheKernel, "deadline_ms are keys of the kernel"),
    ("round-trip", ReplacesItsConfiguration, "does not keep its configuration"),
    ("defaults", RefusesItsDefaults, "limit must be above 0"),
    ("strict-options", RaisesInInit, "cannot be made: KeyError"),
    ("frozen-options", ChangesItsConfiguration, "decorate it with @frozen"),
    ("frozen-options", SharesItsDefault, "share the default of its option words"),
    ("forgetting", KeepsExchanges, "holds 3 of 3 exchanges"),
    ("kernel-untouched", PatchesTheKernel, "jackfield.exchange.Exchange.taught"),
    ("declaration", RequiresNoVersion, "~=0.1"),
    ("no-io-in-init", ReadsFilesTooEarly, "open('/proc/version')"),
    ("start-stop", LeavesATask, "left over"),
    ("failed-start", StopsOnlyWhatHasStarted, "AttributeError"),
    ("side-by-side", SharesItsState, "when another instance had stopped"),
    ("secrecy", LogsTexts, "the text of a request was found in the log"),
    ("secrecy", RepeatsCredentials, "a credential was found in the body of an error"),
]


@pytest.mark.parametrize(
    ("law", "kind", "what"), CASES, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_kit_names_the_law(law: str, kind: type[Plugin], what: str, verdict: Any) -> None:
    assert what in verdict(kind, law)


def test_a_secret_in_a_repr_is_found(verdict: Any) -> None:
    message = verdict(ShowsItsSecret, "secrecy", key="env:JACKFIELD_TEST_KEY")
    assert "a secret was found in its repr" in message
    assert "canary/secret" not in message
