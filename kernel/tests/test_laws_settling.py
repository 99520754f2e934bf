"""Whatever happens to a request, each plugin that was reached is settled once, inner ones first."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from jackfield import CallNext, Exchange, Forbidden, Plugin, Response, Target, hookimpl
from jackfield.plugin import HOOKS
from jackfield.testing import Faulty, Gate, GatewayClient, Recorder, check_plugin, run_gateway

THREE = "\n".join(f'[plugins.{name}]\nuse = "recorder"' for name in ("first", "second", "third"))

test_a_recorder_keeps_every_law = check_plugin(Recorder)
test_a_faulty_plugin_keeps_every_law_until_a_fault_is_set = check_plugin(Faulty)


@asynccontextmanager
async def between(**table: str | int) -> AsyncIterator[GatewayClient]:
    """A gateway with a faulty plugin between two recorders."""
    keys = "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
    toml = f"""
        [plugins.outer]
        use = "recorder"
        [plugins.faulty]
        {keys}
        [plugins.inner]
        use = "recorder"
    """
    async with run_gateway(toml) as client:
        yield client


def settled_by(client: GatewayClient) -> list[str]:
    return [call.plugin for call in client.calls() if call.hook == "post_response"]


async def until_reached(client: GatewayClient, hook: str) -> None:
    """Let the request go on until the faulty plugin is in its hook."""
    while not client.plugin("faulty").of(hook):  # noqa: ASYNC110 - a hook has no event to wait for
        await asyncio.sleep(0)


async def test_several_instances_of_one_plugin_are_called_in_order_and_back() -> None:
    async with run_gateway(THREE) as client:
        await client.chat()
        assert [str(call) for call in client.calls()] == [
            *(f"{name}.{hook}" for hook in HOOKS[:3] for name in ("first", "second", "third")),
            *(f"{name}.post_response" for name in ("third", "second", "first")),
        ]


async def test_a_plugin_behind_the_one_that_answers_is_not_reached() -> None:
    async with between(hook="pre_request", kind="answer") as client:
        assert await (await client.chat()).text() == "early"
        assert settled_by(client) == ["faulty", "outer"]


@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook != "on_stream_chunk"])
async def test_a_client_may_leave_while_any_hook_waits(hook: str) -> None:
    async with between(hook=hook, kind="hang", deadline_ms=200) as client:
        asking = client.start_chat("Hello")
        await until_reached(client, hook)
        asking.disconnect()
        await asking
        reached = ["faulty", "outer"] if hook == "pre_request" else ["inner", "faulty", "outer"]
        assert settled_by(client) == reached
        assert len(client.settled) == 1


async def test_a_missed_deadline_while_settling_stops_nobody_else() -> None:
    async with between(hook="post_response", kind="hang", deadline_ms=1) as client:
        gate = client.fake.hold()
        asking = client.start_chat("Hello")
        await gate.reached()
        asking.disconnect()
        await asking
        assert settled_by(client) == ["inner", "faulty", "outer"]
        assert client.settled[0].exchange.failures == [
            "faulty.post_response: took over 0.001 s → refuse"
        ]


async def test_a_missed_deadline_while_a_stream_is_settled_stops_nobody_else() -> None:
    async with between(hook="post_response", kind="hang", deadline_ms=1) as client:
        answer = await client.chat("Hello", stream=True)
        assert await answer.text() == "Hello"
        assert settled_by(client) == ["inner", "faulty", "outer"]


async def test_who_reads_a_stream_may_be_cancelled_while_it_is_settled() -> None:
    async with between(hook="post_response", kind="hang", deadline_ms=1) as client:
        answer = await client.chat("Hello", stream=True)
        reading = asyncio.create_task(answer.read())
        await until_reached(client, "post_response")
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await client.shut_down()
        assert settled_by(client) == ["inner", "faulty", "outer"]


async def test_a_shutdown_waits_for_what_is_being_settled() -> None:
    async with between(hook="post_response", kind="hang", deadline_ms=1) as client:
        asking = client.start_chat("Hello")
        await until_reached(client, "post_response")
        await client.shut_down()
        assert settled_by(client) == ["inner", "faulty", "outer"]
        assert client.settled[0].outcome.kind == "failed"
        await asking


async def test_a_caller_that_is_cancelled_as_the_stream_begins_leaves_nothing_running() -> None:
    async with run_gateway(THREE) as client:
        gate = Gate()
        client.fake.reply("Hello", gate=gate, at=0)
        asking = client.start_chat("Hello", stream=True)
        await gate.reached()
        gate.open()
        while not asking.task.done():
            asking.cancel()
            await asyncio.sleep(0)
        await client.shut_down()
        assert settled_by(client) == ["third", "second", "first"]


async def test_a_client_that_leaves_with_the_first_byte_unread_is_settled() -> None:
    async with run_gateway(THREE) as client:
        answer = await client.chat("Hello", stream=True)
        await answer.disconnect()
        assert settled_by(client) == ["third", "second", "first"]
        assert client.settled[0].outcome.kind == "client_gone"
        assert client.fake.requests[0].ended == "cancelled"


class Ends(Plugin):
    """Ends the exchange from within."""

    @hookimpl
    async def call_provider(
        self, exchange: Exchange, target: Target, call_next: CallNext
    ) -> Response:
        response = await call_next(target)
        exchange.end(Forbidden("Enough."))
        return response


@pytest.mark.parametrize("stream", [False, True])
async def test_a_plugin_may_end_the_exchange_itself(stream: bool) -> None:
    toml = "[plugins.ends]\n[plugins.inner]\nuse = 'recorder'"
    async with run_gateway(toml, {"ends": Ends}) as client:
        answer = await client.chat("Hello", stream=stream)
        assert (answer.status, answer.streaming) == (403, False)
        assert settled_by(client) == ["inner"]
        assert client.fake.requests[0].ended == ("cancelled" if stream else "answered")


async def test_leaving_twice_settles_once() -> None:
    async with run_gateway(THREE) as client:
        answer = await client.chat("Hello", stream=True)
        await answer.disconnect()
        await answer.disconnect()
        assert settled_by(client) == ["third", "second", "first"]


async def test_a_client_that_left_before_its_request_was_read_starts_nothing() -> None:
    async with run_gateway(THREE) as client:
        asking = client.start_chat("Hello")
        asking.disconnect()
        assert (await asking).status == 499
        assert client.fake.requests == []
        assert len(client.settled) == 1
