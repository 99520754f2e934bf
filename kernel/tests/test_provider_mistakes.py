"""A mistake in a provider's own code concerns that provider alone, and the log names its line."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from jackfield import ConfigError, Exchange, Setup, catalogue
from jackfield.endpoints import Endpoint
from jackfield.http_provider import HttpProvider
from jackfield.messages import ChatRequest, ChatResponse
from jackfield.plan import Target
from jackfield.providers import ModelInfo
from jackfield.testing import TESTING_CHAT, FakeProvider, GatewayClient, Recorder, run_gateway

TOML = '[providers.broken]\n[plugins.around]\non_error = "skip"\naccept_risk = true'
ALIAS = """
[providers.broken]
[models.alias]
targets = ["broken/echo"]
fallbacks = ["fake/echo"]
"""


class Broken(FakeProvider):
    """Falls over its own feet."""

    calls = 0

    async def chat(self, request: ChatRequest, exchange: Exchange) -> ChatResponse:
        self.calls += 1
        raise KeyError("choices")


class Absent(FakeProvider):
    """Forgets what its base class does at the start."""

    async def start(self, setup: Setup) -> None:
        self.opened = setup.directory


async def test_a_provider_that_does_not_register_is_refused() -> None:
    with pytest.raises(ConfigError, match="provider 'broken': `start` must call that of its base"):
        async with run_gateway("[providers.broken]", {"broken": Absent}):
            pass


class Lost(HttpProvider):
    """Has a path that is none."""

    dialects = (TESTING_CHAT,)
    paths: ClassVar[Mapping[str, str]] = {TESTING_CHAT.name: "chat"}


async def test_a_path_without_a_slash_is_refused_at_the_table() -> None:
    toml = '[providers.lost]\nbase_url = "http://127.0.0.1:1"'
    with pytest.raises(ConfigError, match=r"1:12: providers\.lost: its `paths` have 'chat', which"):
        async with run_gateway(toml, {"lost": Lost}):
            pass


async def test_a_provider_that_raises_is_called_once_and_no_plugin_is_blamed() -> None:
    async with run_gateway(TOML, {"broken": Broken, "around": Recorder}) as client:
        answer = await client.chat(model="broken/echo")
        assert answer.status == 500
        assert client.plugin("broken").calls == 1
        assert client.settled[-1].exchange.failures == []


class AnswersWithNothing(FakeProvider):
    """Forgets to return its answer."""

    async def call(self, exchange: Exchange, target: Target) -> Any:
        return None


@pytest.mark.parametrize("kind", [Broken, AnswersWithNothing])
async def test_a_provider_whose_code_fails_leaves_the_request_to_the_next_target(
    kind: type[FakeProvider], caplog: pytest.LogCaptureFixture
) -> None:
    async with run_gateway(ALIAS, {"broken": kind}) as client:
        answer = await client.chat("Hello", model="alias")
        assert await answer.text() == "Hello"
    assert "plugin broken failed in call: " in caplog.text


class ListsWords(FakeProvider):
    async def models(self) -> Any:
        return ["echo"]


class ListsNumbers(FakeProvider):
    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(7)]  # type: ignore[arg-type] # which is what is wrong


class ListsWhatItCannotRead(FakeProvider):
    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(one["id"]) for one in json.loads("{")]


class ListsNever(FakeProvider):
    async def models(self) -> list[ModelInfo]:
        await asyncio.Event().wait()
        return []


class Exits(FakeProvider):
    async def models(self) -> list[ModelInfo]:
        raise SystemExit(1)


class GivesUp(FakeProvider):
    async def models(self) -> list[ModelInfo]:
        raise asyncio.CancelledError


LISTING = (ListsWords, ListsNumbers, ListsWhatItCannotRead, ListsNever, Exits, GivesUp)


@pytest.mark.parametrize("kind", LISTING)
async def test_a_provider_that_cannot_list_its_models_hides_nobody_elses(
    kind: type[FakeProvider], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "LIST_SECONDS", 0.01)
    async with run_gateway("[providers.broken]", {"broken": kind}) as client:
        listed = await (await client.get("/testing/models")).json()
        assert listed == {"models": ["fake/echo"]}
        assert (await client.chat(model="echo")).status == 200
    assert "plugin broken failed in models: " in caplog.text
    assert kind is ListsWords or f"at {__file__}:" in caplog.text


class LosesCount(FakeProvider):
    def losses(self, exchange: Exchange, target: Target) -> Any:
        raise KeyError("tools")


class ForgetsItsLosses(FakeProvider):
    def losses(self, exchange: Exchange, target: Target) -> Any:
        return None


async def explained(client: GatewayClient) -> Any:
    body = {"model": "alias", "messages": [{"role": "user", "text": "Hello"}]}
    answer = await client.post("/jackfield/explain", json={"path": "/testing/chat", "body": body})
    return (await answer.json())["plan"]["targets"]


@pytest.mark.parametrize("kind", [LosesCount, ForgetsItsLosses])
async def test_a_provider_that_cannot_say_what_it_loses_is_passed_over(
    kind: type[FakeProvider],
) -> None:
    async with run_gateway(ALIAS + 'on_loss = "route"', {"broken": kind}) as client:
        assert (await client.chat(model="alias")).status == 200
        assert client.settled[-1].exchange.attempts[-1].target.provider == "fake"
    async with run_gateway(ALIAS, {"broken": kind}) as client:
        first, second = await explained(client)
        assert "unknown dropped" in first["losses"][0]
        assert second == {"target": "fake/echo", "losses": []}


class ListsLoudly(FakeProvider):
    def lists(self, model: str) -> bool:
        raise KeyError(model)


class ServesLoudly(FakeProvider):
    def serves(self, endpoint: Endpoint) -> bool:
        raise KeyError(endpoint.path)


@pytest.mark.parametrize(("kind", "method"), [(ListsLoudly, "lists"), (ServesLoudly, "serves")])
async def test_a_provider_that_cannot_say_what_it_serves_leaves_bare_names_to_the_others(
    kind: type[FakeProvider], method: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with run_gateway("[providers.broken]", {"broken": kind}) as client:
        assert (await client.chat(model="echo")).status == 200
    assert f"plugin broken failed in {method}: KeyError at {__file__}:" in caplog.text
