"""Connections: reused, limited, waited for, and closed the moment nobody wants them."""

import asyncio
import gc

import pytest
from tests.faults.faultd import Faultd

from jackfield._client import Client, Origin, address
from jackfield._client.failure import StaleConnection
from jackfield.errors import ProviderTimeout, ProviderUnavailable
from jackfield.timeouts import Timeouts


async def read(origin: Origin) -> bytes:
    return await (await origin.send("POST", "/")).read()


async def test_a_stale_connection_is_replaced_without_a_word(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("json", "refuse", "json")
    await read(origin)
    assert await read(origin)
    assert upstream.ledger.connections == 2


async def test_a_stale_connection_leaves_nothing_to_the_garbage_collector(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("json", "refuse", "json")
    await read(origin)
    gc.collect()
    gc.disable()
    try:
        await read(origin)
        known = [one for one in gc.get_objects() if isinstance(one, StaleConnection)]
    finally:
        gc.enable()
    assert known == []


async def test_a_request_is_not_sent_a_third_time(origin: Origin, upstream: Faultd) -> None:
    upstream.script("json", "refuse", "refuse")
    await read(origin)
    with pytest.raises(ProviderUnavailable):
        await read(origin)
    assert len(upstream.ledger.records) == 3


async def test_what_must_not_be_sent_twice_is_an_error_instead(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("json", "refuse", "json")
    await read(origin)
    with pytest.raises(ProviderUnavailable):
        await origin.send("POST", "/", resend=False)
    assert len(upstream.ledger.records) == 2


async def test_an_answer_that_has_begun_is_not_requested_again(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("json", "cut-head")
    await read(origin)
    with pytest.raises(ProviderUnavailable):
        await read(origin)
    assert len(upstream.ledger.records) == 2


async def test_a_connection_closed_while_it_rests_is_forgotten(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("stale")
    await read(origin)
    await upstream.until(open_connections=0)
    await read(origin)
    assert len(upstream.ledger.records) == upstream.ledger.connections == 2


async def test_a_resting_connection_is_closed_after_a_while(upstream: Faultd) -> None:
    async with Client(keep_alive=0.05, sweep_every=0.02) as client:
        await read(client.origin(upstream.base_url, name="acme"))
        assert upstream.ledger.open_connections == 1
        await upstream.until(open_connections=0)


async def test_a_connection_to_a_caller_s_url_is_closed_at_once(
    upstream: Faultd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "is_public", lambda _: True)
    async with Client(keep_alive=600.0) as client:
        origin = client.origin(upstream.base_url, name="media", public=True, allow_http=True)
        assert await read(origin)
        await upstream.until(open_connections=0)
        assert await read(origin)
    assert upstream.ledger.connections == 2


async def test_the_connection_used_last_is_used_first(origin: Origin, upstream: Faultd) -> None:
    upstream.script("late-20", "late-60")
    await asyncio.gather(read(origin), read(origin))
    await read(origin)
    assert [record.connection for record in upstream.ledger.records] == [1, 2, 2]


async def test_at_the_limit_requests_wait_in_their_order(upstream: Faultd) -> None:
    async with Client(max_connections=1) as client:
        origin = client.origin(upstream.base_url, name="acme")
        upstream.script(*["late-20"] * 5)
        paths = [f"/{number}" for number in range(5)]
        answers = await asyncio.gather(*(origin.send("POST", path) for path in paths))
        assert [answer.status for answer in answers] == [200] * 5
    assert upstream.ledger.connections == 1
    assert [record.path for record in upstream.ledger.records] == paths


async def test_the_wait_for_a_connection_has_a_deadline(upstream: Faultd) -> None:
    async with Client(max_connections=1) as client:
        origin, soon = client.origin(upstream.base_url, name="acme"), Timeouts(connect=0.05)
        upstream.script("late-300")
        first = asyncio.create_task(origin.send("POST", "/"))
        with pytest.raises(ProviderTimeout) as caught:
            await asyncio.gather(*(origin.send("POST", "/", timeouts=soon) for _ in "12"))
        assert caught.value.phase == "connect"
        assert (await first).status == 200
        assert await read(origin)


async def test_a_dead_connection_s_place_goes_to_the_next_who_waits(upstream: Faultd) -> None:
    async with Client(max_connections=1) as client:
        origin = client.origin(upstream.base_url, name="acme")
        upstream.script("garbage")
        results = await asyncio.gather(*[read(origin) for _ in range(3)], return_exceptions=True)
    assert [type(result) for result in results] == [ProviderUnavailable, bytes, bytes]
    assert upstream.ledger.connections == 2


async def test_cancelling_the_wait_for_the_head_closes_the_socket(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("silent")
    task = asyncio.create_task(origin.send("POST", "/"))
    await upstream.until(requests=1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.until(open_connections=0)
    assert upstream.ledger.last().client_closed


@pytest.mark.parametrize("whole", [True, False])
async def test_cancelling_a_reader_closes_the_socket(
    origin: Origin, upstream: Faultd, whole: bool
) -> None:
    upstream.script("stall-0")
    answer = await origin.send("POST", "/")
    task = asyncio.ensure_future(answer.read() if whole else anext(answer))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.until(open_connections=0)
    assert upstream.ledger.last().client_closed


async def test_closing_an_answer_closes_its_socket_at_once(
    origin: Origin, upstream: Faultd
) -> None:
    upstream.script("stall")
    answer = await origin.send("POST", "/")
    await anext(answer)
    await answer.close()
    await upstream.until(open_connections=0)
    with pytest.raises(ProviderUnavailable):
        await answer.read()


async def test_closing_a_complete_answer_keeps_its_connection(
    origin: Origin, upstream: Faultd
) -> None:
    for _ in range(2):
        answer = await origin.send("POST", "/")
        await answer.read()
        await answer.close()
    assert upstream.ledger.connections == 1


async def test_closing_the_client_ends_every_exchange(upstream: Faultd) -> None:
    client = Client()
    origin = client.origin(upstream.base_url, name="acme")
    upstream.script("silent", "stall", "json")
    waiting = asyncio.create_task(origin.send("POST", "/"))
    await upstream.until(requests=1)
    answer = await origin.send("POST", "/")
    await read(origin)
    await client.close()
    with pytest.raises(ProviderUnavailable):
        await waiting
    with pytest.raises(ProviderUnavailable):
        await answer.read()
    await upstream.until(open_connections=0)


async def test_requests_cancelled_at_the_limit_give_their_places_back(upstream: Faultd) -> None:
    async with Client(max_connections=2) as client:
        origin = client.origin(upstream.base_url, name="acme")
        for turn in range(12):
            tasks = [asyncio.create_task(read(origin)) for _ in range(6)]
            for number, task in enumerate(tasks):
                await asyncio.sleep((turn * 7 + number * 3) % 11 / 5000)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert all(await asyncio.gather(*[read(origin) for _ in range(6)]))
        await upstream.until(open_connections=2)


async def test_at_the_limit_a_stale_connection_is_replaced_all_the_same(upstream: Faultd) -> None:
    async with Client(max_connections=2) as client:
        origin = client.origin(upstream.base_url, name="acme")
        await asyncio.gather(read(origin), read(origin))
        upstream.script("refuse")
        assert await read(origin)


async def test_a_cancelled_wait_hands_the_connection_on(upstream: Faultd) -> None:
    async with Client(max_connections=1) as client:
        origin = client.origin(upstream.base_url, name="acme")
        first = await origin.send("POST", "/")
        holder = asyncio.create_task(read(origin))
        heir = asyncio.create_task(read(origin))
        await first.read()
        holder.cancel()
        assert await heir
    assert upstream.ledger.connections <= 2


async def test_a_closed_client_sends_nothing_more(origin: Origin, client: Client) -> None:
    await client.close()
    with pytest.raises(ProviderUnavailable):
        await read(origin)
    await client.close()


async def test_many_cancelled_requests_leave_no_socket_behind(
    origin: Origin, upstream: Faultd
) -> None:
    for delay in range(40):
        upstream.script("late-5")
        task = asyncio.create_task(read(origin))
        await asyncio.sleep(delay / 5000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    upstream.script()
    await read(origin)
    await upstream.until(open_connections=1)
