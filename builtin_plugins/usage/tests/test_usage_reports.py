"""Reports: by whom, what and when; and who may see them."""

import asyncio
import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from jackfield import Exchange, Plugin, Principal, hookimpl
from jackfield.store import Entry
from jackfield.testing.gateway import ObservedGateway, client_of, observed_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield_usage.cells import tallies_of
from jackfield_usage.query import Query
from jackfield_usage.record import Record
from jackfield_usage.report import made

from .conftest import CONFIG, Opened

SEARCH = ("organization:acme", "team:search", "project:web", "key:k1")
OTHER = ("organization:acme", "team:other", "key:k2")


class Badge(Plugin):
    """Believes what a header says of who asks."""

    mutates = frozenset({"principal"})
    authenticates = True

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Identify."""
        scopes = tuple(exchange.request.headers.get("x-scopes", "").split())
        permissions, role = (
            frozenset({"inference", "usage"}),
            exchange.request.headers.get("x-role"),
        )
        exchange.set_principal(Principal("acme", scopes[-1], permissions, scopes=scopes, role=role))


def badged(directory: Path) -> ObservedGateway:
    return observed_gateway("[plugins.badge]\n" + CONFIG, {"badge": Badge}, directory=directory)


async def test_a_report_sums_up_by_any_of_the_scopes_and_the_model(tmp_path: Path) -> None:
    gateway = badged(tmp_path)
    async with gateway:
        client = client_of(gateway)
        for scopes in (SEARCH, SEARCH, OTHER):
            await client.chat(headers={"x-scopes": " ".join(scopes)})
        answer = await client.get(
            "/jackfield/usage?by=team,model", headers={"x-scopes": "organization:acme"}
        )
        rows = (await answer.json())["rows"]
    found = [(row["team"], row["model"], row["requests"], row["cost_nano"]) for row in rows]
    assert found == [("search", "echo", 2, 115_000), ("other", "echo", 1, 57_500)]


async def test_a_key_sees_the_usage_of_its_own_holder_alone(tmp_path: Path) -> None:
    gateway = badged(tmp_path)
    async with gateway:
        client = client_of(gateway)
        for scopes in (SEARCH, OTHER):
            await client.chat(headers={"x-scopes": " ".join(scopes)})
        answer = await client.get("/jackfield/usage?by=team", headers={"x-scopes": " ".join(OTHER)})
        records = await client.get(
            "/jackfield/usage/records", headers={"x-scopes": " ".join(SEARCH)}
        )
        assert [row["team"] for row in (await answer.json())["rows"]] == ["other"]
        assert [one["key"] for one in (await records.json())["data"]] == ["key:k1"]


async def test_a_report_by_tag_needs_no_configuration(opened: Opened) -> None:
    async with opened() as office:
        for feature in ("a", "a", "b"):
            tags = {"x-jackfield-metadata": f'{{"feature":"{feature}"}}'}
            await office.client.chat(headers=tags)
        rows = await office.rows("by=tag:feature")
        (only,) = await office.rows("tag:feature=b")
    assert [(row["tag:feature"], row["requests"]) for row in rows] == [("a", 2), ("b", 1)]
    assert only["requests"] == 1


async def test_tags_of_the_configuration_are_kept_apart_when_records_are_gone(
    opened: Opened,
) -> None:
    config = CONFIG.replace("[plugins.usage]", '[plugins.usage]\ntags = ["feature"]')
    async with opened(config) as office:
        await office.client.chat(headers={"x-jackfield-metadata": '{"feature":"a"}'})
        await office.gateway.setup.ledger.flush()
        await office.gateway.setup.store.forget_records(office.gateway.setup.ledger.now() + 1)
        assert await office.records() == []
        (row,) = await office.rows("by=tag:feature")
    assert (row["tag:feature"], row["requests"]) == ("a", 1)


@pytest.mark.parametrize("query", ["by=tag:feature", "zone=Asia/Kolkata"])
async def test_a_report_from_records_says_how_far_back_they_go(opened: Opened, query: str) -> None:
    config = CONFIG.replace("[plugins.usage]", "[plugins.usage]\nkeep_days = 10")
    async with opened(config) as office:
        now = office.gateway.setup.ledger.now()
        since = dt.datetime.fromtimestamp(now - 20 * 86_400, dt.UTC).date().isoformat()
        today = dt.datetime.fromtimestamp(now, dt.UTC).date().isoformat()
        old = await office.ask(f"/jackfield/usage?{query}&from={since}")
        recent = await office.ask(f"/jackfield/usage?{query}&from={today}")
        sums = await office.ask(f"/jackfield/usage?by=model&from={since}")
    assert old["kept_since"] == pytest.approx(now - 10 * 86_400, abs=60)
    assert (recent["kept_since"], sums["kept_since"]) == (None, None)


async def test_a_large_report_lets_other_tasks_go_on() -> None:
    store, hours = MemoryStore(), 600
    records = [Record(f"r{hour}", hour * 3600.0, cost=1) for hour in range(hours)]
    entries = [Entry("usage:", one.time, one.encoded(), (), tallies_of(one, ())) for one in records]
    await store.post("owner", 1, entries)
    turns: list[None] = []

    async def take_turns() -> None:
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    other = asyncio.create_task(take_turns())
    report = await made(store, Query(0, hours * 3600.0, per="day"), (), 0.0)
    other.cancel()
    assert (report.totals["requests"], len(report.rows)) == (hours, hours // 24)
    assert len(turns) >= 3


async def test_the_days_of_a_report_are_those_of_its_time_zone(opened: Opened) -> None:
    async with opened() as office:
        await office.client.chat()
        (record,) = await office.records()
        (row,) = await office.rows("per=day&zone=Pacific/Kiritimati")
    moment = dt.datetime.fromtimestamp(record["time"], dt.UTC) + dt.timedelta(hours=14)
    assert row["period"] == moment.date().isoformat()


async def test_the_hour_that_summer_time_repeats_is_listed_twice_and_in_order(
    opened: Opened,
) -> None:
    ends = dt.datetime(2026, 10, 25, 1, tzinfo=dt.UTC).timestamp()
    async with opened() as office:
        for hours in (-2, -1, 0, 1):
            office.post(Record(f"r{hours}", ends + hours * 3600, (), "", "fake", "echo", "echo"))
        zone_query = "zone=Europe/Berlin&from=2026-10-25&until=2026-10-26"
        rows = await office.rows(f"per=hour&{zone_query}")
        (day,) = await office.rows(f"per=day&{zone_query}")
    assert [row["period"][11:] for row in rows] == [
        "01:00+02:00",
        "02:00+02:00",
        "02:00+01:00",
        "03:00+01:00",
    ]
    assert (day["period"], day["requests"]) == ("2026-10-25", 4)


async def test_an_hour_of_a_report_is_a_whole_one_whatever_it_is_by(opened: Opened) -> None:
    async with opened() as office:
        await office.client.chat()
        for query in ("by=model", "by=tag:feature", "zone=Asia/Kolkata"):
            (row,) = await office.rows(f"per=hour&{query}")
            assert row["period"][13:16] == ":00", query


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Asia/Kathmandu", "Europe/Berlin"])
async def test_a_day_begins_at_midnight_in_every_time_zone(opened: Opened, zone: str) -> None:
    midnight = dt.datetime(2026, 11, 2, tzinfo=ZoneInfo(zone)).timestamp()
    async with opened() as office:
        for number, time in enumerate((midnight - 60, midnight + 60)):
            office.post(Record(str(number), time))
        days = f"from=2026-11-01&until=2026-11-03&zone={zone}"
        rows = await office.rows(f"per=day&{days}")
    assert [row["period"] for row in rows] == ["2026-11-01", "2026-11-02"]


async def test_a_day_begins_at_midnight_where_only_winter_time_splits_hours(
    opened: Opened,
) -> None:
    zone = "Australia/Lord_Howe"  # 10:30 hours east of UTC in winter, 11:00 in summer
    midnight = dt.datetime(2026, 6, 2, tzinfo=ZoneInfo(zone)).timestamp()
    async with opened() as office:
        for number, time in enumerate((midnight - 60, midnight + 60)):
            office.post(Record(str(number), time))
        rows = await office.rows(f"per=day&from=2026-01-01&until=2026-12-31&zone={zone}")
    assert [row["period"] for row in rows] == ["2026-06-01", "2026-06-02"]


async def test_the_usage_of_a_team_includes_the_teams_below_it(tmp_path: Path) -> None:
    gateway = badged(tmp_path)
    ranking = ("organization:acme", "team:search", "team:ranking", "key:k3")
    async with gateway:
        client = client_of(gateway)
        for scopes in (SEARCH, OTHER, ranking):
            await client.chat(headers={"x-scopes": " ".join(scopes)})
        acme = {"x-scopes": "organization:acme"}
        answer = await client.get("/jackfield/usage?team=search&by=team", headers=acme)
        rows = (await answer.json())["rows"]
    assert sorted([row["team"] for row in rows]) == ["ranking", "search"]


async def test_an_auditor_of_a_team_sees_the_usage_of_the_team(tmp_path: Path) -> None:
    gateway = badged(tmp_path)
    async with gateway:
        client = client_of(gateway)
        for scopes in (SEARCH, OTHER):
            await client.chat(headers={"x-scopes": " ".join(scopes)})
        for team in ("other", "search"):
            eve = f"organization:acme team:{team} user:eve key:k3"
            head = {"x-scopes": eve, "x-role": "auditor"}
            answer = await client.get("/jackfield/usage?by=team", headers=head)
            assert [row["team"] for row in (await answer.json())["rows"]] == [team]


async def test_a_report_comes_as_csv_with_its_totals(opened: Opened) -> None:
    async with opened() as office:
        await office.client.chat()
        answer = await office.admin.get(
            "/jackfield/usage?by=provider", headers={"accept": "text/csv"}
        )
        head, line, total = (await answer.read()).decode().splitlines()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert head.startswith("period,provider,cost_dollars,cost_nano,requests")
    assert line.startswith(",fake,0.0000575,57500,1")
    assert total.startswith("total,,0.0000575,57500,1")


async def test_records_come_a_page_at_a_time(opened: Opened) -> None:
    async with opened() as office:
        for _ in range(5):
            await office.client.chat()
        seen, after = [], ""
        while True:
            page = await office.ask(f"/jackfield/usage/records?limit=2&after={after}")
            seen += [one["id"] for one in page["data"]]
            after = page["next"]
            if not after:
                break
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("by=planet", "by"),
        ("zone=Mars/Olympus", "zone"),
        ("from=yesterday", "from"),
        ("from=2026-02-01&until=2026-01-01", "from"),
        ("per=year", "per"),
        ("limit=1", "limit"),
        ("after=x", "after"),
        ("colour=red", "colour"),
        ("per=day&per=hour", "per"),
        ("format=xml", "format"),
    ],
)
async def test_what_a_report_cannot_be_is_refused_by_name(
    opened: Opened, query: str, param: str
) -> None:
    async with opened() as office:
        answer = await office.admin.get(f"/jackfield/usage?{query}")
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == param


@pytest.mark.parametrize("name", ["limit=0", "by=team", "per=day", "format=csv", "colour=red"])
async def test_what_records_cannot_be_is_refused_by_name(opened: Opened, name: str) -> None:
    async with opened() as office:
        answer = await office.admin.get(f"/jackfield/usage/records?{name}")
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == name.partition("=")[0]
