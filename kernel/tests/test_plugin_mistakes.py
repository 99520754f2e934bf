"""What a plugin gets wrong outside of its hooks concerns its own requests alone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from attrs import evolve

from jackfield import Exchange, InvalidRequest, NotFound, Plugin, Response, Setup
from jackfield import _operations as operations
from jackfield.catalogue import Catalogue
from jackfield.endpoints import PUBLIC
from jackfield.testing import CHAT_ENDPOINT, ChatDialect, FakeProvider, run_gateway

BODY = {"model": "fake/echo", "messages": [{"role": "user", "text": "Hello"}]}


def raises(*_: Any) -> Any:
    raise KeyError("secret")


class Endpoints(Plugin):
    """Answers at endpoints of its own, one for everybody and one for who may chat."""

    async def start(self, setup: Setup) -> None:
        for path, permission in (("/testing/all", PUBLIC), ("/testing/some", "chat")):
            plain = evolve(CHAT_ENDPOINT, path=path, permission=permission, upstream=None)
            setup.add_endpoint(evolve(plain, answer=self.tell))

    async def tell(self, exchange: Exchange, catalogue: Catalogue) -> Any:
        what = exchange.tree["messages"][0]["text"]
        if what == "redirect":
            return Response(302, b"", headers={"location": "/elsewhere"})
        if what == "refuse":
            raise NotFound("There is no such item.")
        if what in HEADERS:
            return Response(200, b"", headers={"x-own": HEADERS[what]})
        return {"text": lambda: Response(200, what), "raise": raises}.get(what, dict)()


HEADERS: dict[str, Any] = {"number": 3, "line break": "secret\r\nx-other: 1"}
WRONG = "the header 'x-own' is not one line of text: "


@pytest.mark.parametrize("path", ["/testing/all", "/testing/some"])
@pytest.mark.parametrize(
    ("what", "fault"),
    [
        ("text", "TypeError at "),
        ("raise", "KeyError at "),
        ("nothing", "returned dict"),
        ("number", f"{WRONG}int"),
        ("line break", f"{WRONG}str"),
    ],
)
async def test_an_endpoint_of_a_plugin_that_fails_is_an_error_and_the_log_has_its_line(
    path: str, what: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with run_gateway("[plugins.own]", {"own": Endpoints}) as client:
        body = {**BODY, "messages": [{"role": "user", "text": what}]}
        answer = await client.post(path, json=body)
        assert (answer.status, (await answer.json())["error"]["code"]) == (500, "internal_error")
    assert f"plugin own failed in tell: {fault}" in caplog.text
    assert (__file__ in caplog.text) is (what in ("text", "raise"))
    assert "secret" not in caplog.text


async def test_an_endpoint_for_everybody_may_refuse_and_send_headers() -> None:
    async with run_gateway("[plugins.own]", {"own": Endpoints}) as client:
        refused, redirected = [
            await client.post(
                "/testing/all", json={**BODY, "messages": [{"role": "user", "text": what}]}
            )
            for what in ("refuse", "redirect")
        ]
        assert refused.status == 404
        assert (redirected.status, redirected.headers["location"]) == (302, "/elsewhere")


async def healthy(check: Any) -> Any:
    kind = type("Checked", (Plugin,), {"health": check})
    async with run_gateway("[plugins.checked]", {"checked": kind}) as client:
        return (await (await client.get("/ready")).json())["dependencies"]["checked"]


async def true(self: Plugin) -> bool:
    return True


async def refuses(self: Plugin) -> None:
    raise InvalidRequest("No.")


@pytest.mark.parametrize(
    ("check", "what"),
    [(raises, "KeyError"), (true, "returned bool"), (refuses, "InvalidRequest")],
)
async def test_a_health_check_that_is_wrong_is_named(
    check: Any, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert await healthy(check) == f"its health check failed: {what}"
    assert f"plugin checked failed in health: {what}" in caplog.text


async def hangs(self: Plugin) -> None:
    await asyncio.Event().wait()


async def test_a_health_check_that_hangs_is_named_with_its_line(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "HEALTH_SECONDS", 0.01)
    assert await healthy(hangs) == "no answer within 0.01 s"
    assert f"TimeoutError at {__file__}:" in caplog.text


class StreamsText(FakeProvider):
    """Takes text for bytes in its stream."""

    async def call(self, exchange: Exchange, target: Any) -> Response:
        return Response(200, self.events(), "text/event-stream")

    async def events(self) -> AsyncIterator[bytes]:
        yield b'data: {"text":"Hello"}\n\n'
        yield 'data: {"end":true}\n\n'  # type: ignore[misc] # which is what is wrong


async def test_a_stream_that_yields_text_is_broken_off_and_the_log_has_its_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with run_gateway("[providers.text]", {"text": StreamsText}) as client:
        answer = await client.chat(model="text/any", stream=True)
        assert b'"error"' in await answer.read()
        assert client.settled[-1].outcome.kind == "truncated"
    assert f"TypeError at {__file__}:" in caplog.text


@pytest.mark.parametrize("method", ["render_error", "error_headers", "render_error_event"])
async def test_a_dialect_that_cannot_tell_an_error_leaves_nothing_unsettled(method: str) -> None:
    dialect = type("Mute", (ChatDialect,), {method: raises})()
    endpoint = evolve(CHAT_ENDPOINT, path="/testing/mute", dialect=dialect)
    kind = type("Mute", (FakeProvider,), {"endpoints": (endpoint,), "dialects": (dialect,)})
    async with run_gateway("[providers.mute]", {"mute": kind}) as client:
        answer = await client.post("/testing/mute", json={**BODY, "model": "nobody/x"})
        assert answer.status == 404
        client.plugin("mute").reply("cut ", cut=True)
        body = {**BODY, "model": "mute/echo", "stream": True}
        cut = await client.post("/testing/mute", json=body)
        if method == "error_headers":
            await cut.read()
        else:
            with pytest.raises(ConnectionError):
                await cut.read()
        assert [one.outcome.kind for one in client.settled] == ["refused", "truncated"]
