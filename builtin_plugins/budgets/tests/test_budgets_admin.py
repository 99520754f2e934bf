"""Budgets that administrators make: what is accepted, and how soon it holds."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, frozen

from jackfield import ConfigError, Plugin, Setup
from jackfield.admin import Actor, Collection, Stored
from jackfield.messages import Usage
from jackfield.testing import Answer, GatewayClient
from jackfield.testing.gateway import admin_of, client_of, observed_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield.testing.provider import Reply

TOML = """
[prices."fake/*"]
input = 1.0
output = 2.0

[plugins.memory]

[plugins.budgets]

[plugins.budgets.limits.declared]
limit = "5.00"
"""


@frozen
class User:
    """Somebody."""

    organization: str = "acme"


class Users(Collection[User]):
    """Users, of whom there is one."""

    name, singular, Item = "users", "user", User

    async def find(self, id: str, actor: Actor) -> Stored[User] | None:
        return await self.get("ann" if id == "me" else id)


@frozen
class Named:
    """What has nothing but an id."""


class Organizations(Collection[Named]):
    """Organizations, of which there are two."""

    name, singular, Item = "organizations", "organization", Named


class Keys(Collection[Named]):
    """Keys, of which there is none."""

    name, singular, Item = "keys", "key", Named


class Memory(Plugin):
    """Keeps everything in memory."""

    brings_store = True

    async def start(self, setup: Setup) -> None:
        setup.add_store(MemoryStore())
        users, organizations = Users(setup), Organizations(setup)
        for collection in (users, organizations, Keys(setup)):
            setup.add_admin_collection(collection)
        setup.declare(users, {"ann": User()})
        setup.declare(organizations, {"acme": Named(), "other": Named()})


@define(eq=False)
class Office:
    """A gateway, and its administration."""

    client: GatewayClient
    admin: GatewayClient

    async def create(self, **fields: Any) -> Answer:
        return await self.admin.post("/jackfield/budgets", json=fields)

    async def chat_status(self) -> int:
        answer = await self.client.chat("Hello", model="fake/echo")
        return answer.status

    async def loaded(self, count: int) -> None:
        """Wait until the plugin knows of so many budgets."""
        current: Any = self.client.plugin("budgets").current
        while len(current._kept) != count:
            await current.read()


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    gateway = observed_gateway(TOML, {"memory": Memory}, directory=tmp_path)
    async with gateway:
        yield Office(client_of(gateway), admin_of(gateway))


async def test_a_budget_that_is_made_holds(office: Office) -> None:
    assert await office.chat_status() == 200
    assert (await office.create(name="tight", limit="0.00")).status == 201
    await office.loaded(2)
    assert await office.chat_status() == 429


async def test_a_budget_that_is_raised_or_deleted_lets_more_through(office: Office) -> None:
    await office.create(name="tight", limit="0.00")
    await office.loaded(2)
    changed = await office.admin.send("PATCH", "/jackfield/budgets/tight", json={"limit": "9.00"})
    assert changed.status == 200
    await office.client.plugin("budgets").current.read()
    assert await office.chat_status() == 200
    await office.admin.send("PATCH", "/jackfield/budgets/tight", json={"limit": "0.00"})
    await office.client.plugin("budgets").current.read()
    assert await office.chat_status() == 429
    assert (await office.admin.send("DELETE", "/jackfield/budgets/tight")).status < 300
    await office.loaded(1)
    assert await office.chat_status() == 200


async def test_what_is_declared_is_shown_among_what_is_kept(office: Office) -> None:
    shown = await (await office.admin.get("/jackfield/budgets/declared")).json()
    assert shown["limit"] == "5.00"


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"limit": "-1.00"}, "must not be negative"),
        ({"limit": "0.001"}, "fraction of a cent"),
        ({"limit": -1}, "must not be negative"),
        ({"limit": 0.005}, "fraction of a cent"),
        ({"limit": True}, "limit"),
        ({"limit": "nan"}, "not an amount of money"),
        ({"limit": "1_0"}, "not an amount of money"),
        ({"limit": "\u0665"}, "not an amount of money"),
        ({"limit": "1.5", "unit": "tokens"}, "not a number of tokens"),
        ({"limit": -5, "unit": "tokens"}, "not a number of tokens"),
        ({"limit": "1.00", "zone": "Mars/Base"}, "unknown time zone"),
        ({"limit": "1.00", "window": "0d"}, "unknown window"),
        ({"limit": "1.00", "window": "24h", "zone": "Asia/Tokyo"}, "needs a calendar window"),
        ({"limit": "1.00", "scope": "planet:mars"}, "not a scope"),
        ({"limit": "1.00", "scope": "tag:x"}, "not a scope"),
        ({"limit": "1.00", "warn_at": [1.5]}, "threshold"),
        ({"limit": "1.00", "max_tokens": 0}, "at least 1"),
        ({"limit": "1.00", "scope": "organization:a", "organization": "b"}, "not in the organ"),
        ({}, "limit"),
    ],
)
async def test_what_cannot_be_meant_is_refused(
    office: Office, fields: dict[str, Any], problem: str
) -> None:
    answer = await office.create(name="odd", **fields)
    assert answer.status == 400
    error = (await answer.json())["error"]
    assert problem in error["message"]
    assert error["param"] in (*fields, "limit"), "it names the field"
    assert (await office.admin.get("/jackfield/budgets/odd")).status == 404


async def test_a_window_that_is_wrong_is_reported_once(office: Office) -> None:
    answer = await office.create(name="odd", limit="1.00", window="0d")
    assert (await answer.json())["error"]["message"].count("unknown window") == 1


@pytest.mark.parametrize("name", ["", "Upper", "with space", "x" * 65, ".", "..", None])
async def test_a_budget_needs_a_name(office: Office, name: str | None) -> None:
    assert (await office.create(limit="1.00", **({"name": name} if name else {}))).status == 400


async def test_a_name_is_taken_once(office: Office) -> None:
    assert (await office.create(name="one", limit="1.00")).status == 201
    assert (await office.create(name="one", limit="2.00")).status == 409


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"scope": "user:ann"}, 201),
        ({"scope": "user:me"}, 201),
        ({"scope": "user:ann", "organization": "acme"}, 201),
        ({"scope": "user:ann", "organization": "other"}, 400),
        ({"scope": "user:anne"}, 400),
        ({"scope": "user:*"}, 201),
        ({"scope": "team:nobody knows teams"}, 201),
    ],
)
async def test_a_budget_is_for_what_exists(
    office: Office, fields: dict[str, str], status: int
) -> None:
    answer = await office.create(name="one", limit="1.00", **fields)
    assert answer.status == status
    if status == 400:
        error = (await answer.json())["error"]
        assert (error["param"], "There is no user 'ann" in error["message"]) == ("scope", True)
    else:
        assert (await answer.json())["scope"] == fields["scope"].replace(":me", ":ann")


async def test_a_budget_is_for_an_organization_that_exists(office: Office) -> None:
    answer = await office.create(name="one", limit="1.00", organization="acne")
    error = (await answer.json())["error"]
    assert (answer.status, error["param"]) == (400, "organization")
    assert "There is no organization 'acne'; create it first" in error["message"]
    assert (await office.create(name="one", limit="1.00", organization="acme")).status == 201


async def test_a_whole_key_in_place_of_its_id_is_not_repeated(office: Office) -> None:
    answer = await office.create(name="one", limit="1.00", scope="key:jf-0123456789ab-secret")
    error = (await answer.json())["error"]
    assert (answer.status, error["param"]) == (400, "scope")
    assert "stands between `jf-` and the next dash" in error["message"]
    assert "secret" not in error["message"]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("[plugins.budgets.limits.Upper]", "plugins.budgets.limits: not a name of a budget"),
        ("[plugins.budgets.limits.x]\nname = 'y'", "plugins.budgets.limits: the table names"),
        ("[plugins.budgets.limits.x]\nzone = 'Mars'", "plugins.budgets.limits.x.zone: unknown"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused_by_its_place(
    tmp_path: Path, table: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as error:
        observed_gateway(f'{table}\nlimit = "1.00"', directory=tmp_path)
    assert problem in error.value.problems[0]


@pytest.mark.parametrize("limit", [25, 25.0, "25", "25.00", "$25"])
async def test_an_amount_is_shown_with_its_cents(office: Office, limit: str | float) -> None:
    await office.create(name="one", limit=limit)
    shown = await (await office.admin.get("/jackfield/budgets/one")).json()
    assert shown["limit"] == "25.00"


async def test_what_is_spent_and_left_is_reported(office: Office) -> None:
    assert await office.chat_status() == 200
    await office.client.plugin("budgets")._ledger.flush()
    shown = await (await office.admin.get("/jackfield/budgets/declared")).json()
    spent, left = (float(shown[name].removesuffix(" dollars")) for name in ("spent", "left"))
    held = float(shown["reserved"].removesuffix(" dollars"))
    assert spent > 0
    assert spent + left + held == pytest.approx(5)
    assert shown["resets"].endswith("-01T00:00:00+00:00")
    await office.create(name="each", scope="key:*", limit="1.00")
    listed = await (await office.admin.get("/jackfield/budgets")).json()
    assert [one.get("spent") for one in listed["data"]] == [shown["spent"], None]


async def test_a_limit_that_is_raised_is_warned_of_anew(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await office.create(name="small", limit="0.01", hard=False, warn_at=[1.0])
    await office.loaded(2)
    budgets: Any = office.client.plugin("budgets")
    for limit in ("0.02", "0.03"):
        office.client.fake.always(Reply(("Hi",), usage=Usage(10_000, 0)))
        assert await office.chat_status() == 200
        await budgets.watch.look()
        await office.admin.send("PATCH", "/jackfield/budgets/small", json={"limit": limit})
        await budgets.current.read()
    logged = [one.getMessage() for one in caplog.records if "has reached 100%" in one.getMessage()]
    assert [line.split("of ")[-1] for line in logged] == [
        "0.01 dollars are spent",
        "0.02 dollars are spent",
    ]


async def test_a_budget_that_is_made_again_in_another_unit_begins_with_nothing(
    office: Office,
) -> None:
    await office.create(name="own", limit="5.00")
    await office.loaded(2)
    assert await office.chat_status() == 200
    await office.client.plugin("budgets")._ledger.flush()
    await office.admin.send("DELETE", "/jackfield/budgets/own")
    await office.loaded(1)
    await office.create(name="own", limit=1_000_000, unit="tokens")
    await office.loaded(2)
    shown = await office.admin.get("/jackfield/budgets/own")
    assert (await shown.json())["spent"] == "0 tokens"
    assert await office.chat_status() == 200
