"""Hooks that only note what would be done are called in dry runs and in no other request."""

from collections.abc import AsyncIterator
from typing import Any

from jackfield import Exchange, Outcome, Plan, Plugin, Response, dry_runs_only, hookimpl
from jackfield._hook_chain import Member, compile_hooks
from jackfield.testing import run_gateway


class Teller(Plugin):
    """Tells something of every plan."""

    calls = 0

    @hookimpl
    @dry_runs_only
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Tell it."""
        self.calls += 1
        return plan.note("this would be noted", "a dry run asks")


class Answerer(Plugin):
    """Answers by itself, with a stream."""

    ended = ""

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> Response | None:
        """Answer."""
        return Response(200, chunks(), "text/event-stream") if exchange.stream else None

    @hookimpl
    async def post_response(self, exchange: Exchange, outcome: Outcome) -> None:
        """Note how it ended."""
        self.ended = outcome.kind


async def chunks() -> AsyncIterator[bytes]:
    yield b'data: {"text":"Hello"}\n\ndata: {"end":true}\n\n'


class Accountant(Plugin):
    """Accounts for what is used."""

    wants_usage = True


def gateway(**plugins: type[Plugin]) -> Any:
    return run_gateway("".join(f"[plugins.{name}]\n" for name in plugins), plugins)


async def test_a_hook_for_dry_runs_alone_is_called_in_them() -> None:
    async with gateway(teller=Teller) as client:
        body = {"model": "fake/echo", "messages": [{"role": "user", "content": "Hello"}]}
        explained = await (await client.post("/jackfield/explain", json=body)).read()
        assert b"this would be noted" in explained


async def test_other_requests_are_spared_it() -> None:
    async with gateway(teller=Teller) as client:
        assert (await client.chat("Hello")).status == 200
        assert client.plugins["teller"].calls == 0


async def test_a_stream_that_a_plugin_answers_with_is_explained_and_settled() -> None:
    async with gateway(answerer=Answerer) as client:
        body = {"model": "fake/echo", "messages": [], "stream": True}
        request = {"path": "/testing/chat", "body": body}
        explained = await (await client.post("/jackfield/explain", json=request)).json()
        assert explained["answered"] == "by a plugin or by the gateway itself"
        assert client.plugins["answerer"].ended == "answered"


def test_the_usage_is_wanted_as_soon_as_one_plugin_accounts_for_it() -> None:
    members = [Member(kind({}), "refuse", 250) for kind in (Teller, Accountant)]
    for member, name in zip(members, ("teller", "accountant"), strict=True):
        member.plugin.name = name
    assert compile_hooks(members).wants_usage
    assert not compile_hooks(members[:1]).wants_usage
