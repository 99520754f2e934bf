"""Plugins that ask the gateway something themselves, as a client does."""

from jackfield import Exchange, Forbidden, Plugin, Setup, hookimpl
from jackfield.http import HttpRequest
from jackfield.testing import CHAT_PATH, Recorder, run_gateway

REQUEST = b'{"model": "fake/judge", "messages": [{"role": "user", "text": "yes"}]}'


class Judge(Plugin):
    """Asks a model before it lets a request pass."""

    stream = False

    async def start(self, setup: Setup) -> None:
        self._setup = setup

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        question = REQUEST.replace(b"{", b'{"stream": true, ', 1) if self.stream else REQUEST
        answer = await self._setup.ask(self, HttpRequest.local("POST", CHAT_PATH, question))
        if answer.status != 200:
            raise Forbidden(f"the judge says {answer.status}")
        if not isinstance(answer.body, bytes):
            assert [event async for event in answer.body]


class Streams(Judge):
    """Asks for a stream."""

    stream = True


class Closed(Plugin):
    """Lets nobody in without a key."""

    authenticates = True


async def test_other_plugins_see_a_plugins_own_request_and_it_does_not() -> None:
    toml = "[plugins.judge]\n[plugins.last]\nuse = 'recorder'"
    for kind in (Judge, Streams):
        async with run_gateway(toml, {"judge": kind, "recorder": Recorder}) as client:
            assert (await client.chat()).status == 200
            inner, own = (one.exchange for one in client.settled)
            assert (inner.model, own.model) == ("fake/judge", "fake/echo")
            seen = [call.exchange for call in client.calls() if call.hook == "pre_request"]
            assert seen == [inner, own]


async def test_two_that_ask_do_not_ask_each_other_for_ever() -> None:
    toml = "[plugins.judge]\n[plugins.second]\nuse = 'judge'"
    async with run_gateway(toml, {"judge": Judge}) as client:
        assert (await client.chat()).status == 200
        assert len(client.settled) == 5


async def test_a_plugin_that_asks_needs_a_key_where_everybody_does() -> None:
    toml = "[plugins.judge]\n[plugins.closed]"
    async with run_gateway(toml, {"judge": Judge, "closed": Closed}) as client:
        assert (await client.chat()).status == 403
        assert [one.outcome.status for one in client.settled] == [401, 403]


async def test_what_it_waits_for_too_long_is_given_up() -> None:
    toml = "[plugins.judge]\ndeadline_ms = 60"
    async with run_gateway(toml, {"judge": Judge}) as client:
        client.fake.hold()
        assert (await client.chat()).status == 500
        assert {one.outcome.kind for one in client.settled} == {"client_gone", "failed"}


async def test_a_shutdown_ends_a_plugins_own_requests_too() -> None:
    async with run_gateway("[plugins.judge]", {"judge": Judge}) as client:
        gate = client.fake.hold()
        pending = client.start_chat("Hello")
        await gate.reached()
        await client.shut_down()
        assert (await pending).status == 503
        assert [one.outcome.kind for one in client.settled] == ["shutdown", "shutdown"]


async def test_tests_reach_the_admin_listener() -> None:
    async with run_gateway() as client:
        assert (await client.get("/jackfield/plugins")).status == 404
        assert (await client.admin.get("/jackfield/plugins")).status == 200
