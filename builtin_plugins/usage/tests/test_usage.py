"""What is recorded of each exchange."""

import asyncio

from jackfield.testing import Gate

from .conftest import CONFIG, Opened

TAGS = {"x-jackfield-metadata": '{"feature":"search","session":"7"}'}


async def test_an_exchange_leaves_one_record_of_what_it_used_and_cost(opened: Opened) -> None:
    async with opened() as office:
        await office.client.chat(headers=TAGS)
        (record,) = await office.records()
    assert (record["provider"], record["model"], record["requested_model"]) == (
        "fake",
        "echo",
        "fake/echo",
    )
    assert record["tokens"] == {"input_tokens": 3, "output_tokens": 5}
    # 3 tokens at $2.50 and 5 at $10 a million.
    assert (record["cost"], record["cost_dollars"]) == (57_500, "0.0000575")
    assert (record["basis"], record["status"], record["outcome"]) == ("reported", 200, "answered")
    assert record["tags"] == {"feature": "search", "session": "7"}
    assert not record["price_missing"]


async def test_a_stream_is_recorded_with_its_usage(opened: Opened) -> None:
    async with opened() as office:
        await (await office.client.chat(stream=True)).read()
        (record,) = await office.records()
    assert (record["stream"], record["basis"], record["cost"]) == (True, "reported", 57_500)


async def test_a_failed_exchange_is_counted_and_costs_nothing(opened: Opened) -> None:
    async with opened(CONFIG + "[upstream]\nretries = 0\n") as office:
        office.client.fake.fail(503)
        answer = await office.client.chat()
        (record,) = await office.records()
        (row,) = await office.rows("by=model")
    assert answer.status == record["status"] == 503
    assert (record["cost"], record["tokens"]) == (0, {})
    assert (row["requests"], row["errors"], row["cost_nano"]) == (1, 1, 0)


async def test_a_request_that_reached_no_provider_leaves_no_record(opened: Opened) -> None:
    async with opened() as office:
        assert (await office.client.post("/testing/chat", json={"model": 7})).status == 400
        assert await office.records() == []


async def test_what_has_no_price_is_recorded_as_missing(opened: Opened) -> None:
    async with opened("[plugins.usage]\n") as office:
        await office.client.chat()
        (record,) = await office.records()
    assert (record["price_missing"], record["cost"]) == (True, 0)


async def test_a_cut_stream_is_estimated(opened: Opened) -> None:
    async with opened() as office:
        gate = Gate()
        office.client.fake.reply("one ", "two ", "three", gate=gate, at=3)
        answer = await office.client.chat(stream=True)
        async for batch in answer.batches():
            if b"two" in batch:
                break
        await answer.disconnect()
        (record,) = await office.records()
    assert (record["outcome"], record["basis"]) == ("client_gone", "estimated")
    # A Started and two words; the input is a quarter of the bytes of the request.
    assert record["tokens"] == {"input_tokens": 20, "output_tokens": 3}


async def test_the_cost_is_sent_to_clients_that_request_it(opened: Opened) -> None:
    async with opened() as office:
        plain = await office.client.chat()
        answer = await office.client.chat(headers={"x-jackfield-want": "cost"})
    assert "x-jackfield-cost" not in plain.headers
    assert answer.headers["x-jackfield-cost"] == "0.0000575"


async def test_the_cost_is_sent_to_everybody_where_it_is_configured(
    opened: Opened,
) -> None:
    async with opened(CONFIG.replace("[plugins.usage]", "[plugins.usage]\nheaders = true")) as it:
        assert (await it.client.chat()).headers["x-jackfield-cost"] == "0.0000575"


async def test_a_dry_run_leaves_no_record(opened: Opened) -> None:
    async with opened() as office:
        body = {"path": "/testing/chat", "body": {"model": "fake/echo", "messages": []}}
        await office.admin.post("/jackfield/explain", json=body)
        assert await office.records() == []


async def test_records_outlive_the_gateway(opened: Opened) -> None:
    async with opened() as office:
        await asyncio.gather(*(office.client.chat() for _ in range(20)))
    async with opened() as office:
        assert len(await office.records()) == 20
        assert (await office.rows("by=model"))[0]["requests"] == 20


async def test_an_attempt_that_broke_has_a_record_of_its_own_beside_the_retry(
    opened: Opened,
) -> None:
    async with opened() as office:
        office.client.fake.reply("one", cut=True)
        answer = await office.client.chat()
        first, second = await office.records()
        (row,) = await office.rows("by=model")
    assert answer.status == 200
    assert (first["id"], first["request"], first["basis"]) == (
        second["request"],
        "",
        "estimated",
    )
    assert first["cost"] > second["cost"] == 57_500
    assert (row["requests"], row["cost_nano"]) == (1, first["cost"] + second["cost"])


async def test_an_attempt_that_is_certainly_not_billed_leaves_no_record(opened: Opened) -> None:
    async with opened() as office:
        office.client.fake.fail(503)
        await office.client.chat()
        (record,) = await office.records()
    assert (record["request"], record["basis"], record["cost"]) == ("", "reported", 57_500)


async def test_a_cut_stream_is_charged_the_most_that_it_can_be(opened: Opened) -> None:
    async with opened() as office:
        office.client.fake.reply("one", cut=True)
        await (await office.client.chat(stream=True)).read()
        (record,) = await office.records()
    charged = record["charged"]
    assert charged["output_tokens"] > record["tokens"]["output_tokens"]
    assert record["cost"] == charged["input_tokens"] * 2500 + charged["output_tokens"] * 10_000


async def test_a_cut_stream_may_be_charged_by_an_estimate(opened: Opened) -> None:
    async with opened(CONFIG + '[upstream]\nunreported = "estimate"\n') as office:
        office.client.fake.reply("one", cut=True)
        await (await office.client.chat(stream=True)).read()
        (record,) = await office.records()
    tokens = record["tokens"]
    assert record["cost"] == tokens["input_tokens"] * 2500 + tokens["output_tokens"] * 10_000
