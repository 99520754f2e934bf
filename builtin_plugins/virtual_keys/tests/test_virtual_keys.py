"""What a gateway does for who has a key, and for who has none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jackfield import Exchange, Plugin, hookimpl
from jackfield.plan import Plan, Target
from jackfield.testing import Answer
from jackfield_virtual_keys.key_text import new_key_text, written

HERE = {"x-jackfield-metadata": '{"session": "42"}'}


async def error_message(answer: Answer) -> str:
    return str((await answer.json())["error"]["message"])


async def test_a_key_tells_who_asks(office: Any) -> None:
    await office.create("teams", name="search", organization="acme", metadata={"cost": "7"})
    await office.create("users", name="ann", team="search")
    await office.create("projects", name="web", team="search", metadata={"stage": "test"})
    key = await office.key(user="ann", project="web")
    assert (await office.ask(key)).status == 200
    principal = office.client.settled[-1].exchange.principal
    assert (principal.tenant, principal.key_id) == ("acme", key[3:15])
    assert principal.scopes == (
        "organization:acme",
        "team:search",
        "user:ann",
        "project:web",
        f"key:{key[3:15]}",
    )
    assert principal.metadata == {"cost": "7", "stage": "test"}
    assert principal.role is None


async def test_the_log_names_the_key_and_not_its_secret(office: Any) -> None:
    key = await office.key()
    await office.ask(key)
    line = office.client.log()
    assert f" tenant=acme scope=key:{key[3:15]} " in line
    assert key[16:] not in line


async def test_without_a_key_nobody_is_served_on_this_machine_either(office: Any) -> None:
    answer = await office.client.chat()
    assert answer.status == 401
    assert "Authorization: Bearer jf-" in await error_message(answer)
    assert office.client.fake.requests == []


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda key: key[:-1], "checksum"),
        (lambda key: key[:30], "checksum"),
        (lambda key: key.swapcase(), "checksum"),
        (lambda key: "sk-1234", "begin with jf-"),
        (lambda key: "x" * 100_000, "begin with jf-"),
        (lambda key: "jf-" + "é" * 20, "begin with jf-"),
        (lambda key: written(new_key_text()), "is unknown"),
        (lambda key: written(new_key_text(key[3:15])), "is unknown"),
    ],
    ids=["cut", "short", "case", "foreign", "long", "letters", "unknown id", "wrong secret"],
)
async def test_what_is_no_good_key_is_refused_in_a_sentence(
    office: Any, spoil: Any, why: str
) -> None:
    key = await office.key()
    answer = await office.ask(spoil(key))
    assert answer.status == 401
    assert why in await error_message(answer)


async def test_an_unknown_id_and_a_wrong_secret_look_the_same(office: Any) -> None:
    key = await office.key()
    unknown = await office.ask(written(new_key_text()))
    wrong = await office.ask(written(new_key_text(key[3:15])))
    assert await unknown.json() == await wrong.json()


async def test_a_key_ends_when_it_says(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = datetime.now(UTC) + timedelta(minutes=5)
    key = await office.key(expires=ends.isoformat())
    assert (await office.ask(key)).status == 200
    ledger = office.gateway.setup.ledger
    monkeypatch.setattr(type(ledger), "now", lambda self: ends.timestamp() + 1)
    answer = await office.ask(key)
    assert answer.status == 401
    assert "expired" in await error_message(answer)


async def test_a_key_ends_when_its_organization_does(office: Any) -> None:
    key = await office.key()
    ended = datetime.now(UTC) - timedelta(seconds=1)
    await office.change("organizations/acme", expires=ended.isoformat())
    assert "expired" in await error_message(await office.ask(key))


async def test_a_key_may_live_no_longer_than_is_allowed(office: Any) -> None:
    await office.change("organizations/acme", max_lifetime="90d")
    late = datetime.now(UTC) + timedelta(days=91)
    answer = await office.admin.post(
        "/jackfield/keys", json={"organization": "acme", "expires": late.isoformat()}
    )
    assert answer.status == 400
    assert "max_lifetime" in await error_message(answer)
    key = await office.key()
    await office.ask(key)
    grant = office.client.plugins["virtual_keys"]._keyring.recall(key)
    assert grant.ends == pytest.approx(datetime.now(UTC).timestamp() + 90 * 86_400, abs=60)


async def test_a_rotation_gives_the_secret_before_no_more_time(office: Any) -> None:
    await office.change("organizations/acme", max_lifetime="1h")
    made = await office.create("keys", organization="acme")
    path = f"/jackfield/keys/{made['id']}/rotate"
    rotated = await (await office.admin.post(path, json={"grace": "24h"})).json()
    ends = datetime.fromisoformat(made["issued"]) + timedelta(hours=1)
    assert datetime.fromisoformat(rotated["previous_until"]) == ends


async def test_only_models_that_are_allowed_can_be_asked_for(office: Any) -> None:
    key = await office.key(models=["fast", "fake/e*"])
    for model, status in (("fake/echo", 200), ("fast", 200), ("fake/small", 403), ("mixed", 403)):
        answer = await office.ask(key, model)
        assert answer.status == status, model
        assert status == 200 or f"'{model}'" in await error_message(answer)
    assert [call.request.model for call in office.client.fake.requests] == ["echo", "small"]


async def test_a_model_without_its_provider_is_found_among_the_allowed(office: Any) -> None:
    named = await office.key(models=["fake/echo"])
    bare = await office.key(models=["echo"])
    assert (await office.ask(bare, "other/echo")).status == 200
    assert (await office.ask(named, "other/echo")).status == 403
    assert (await office.ask(bare, "fake/echo")).status == 200


async def test_targets_at_other_providers_are_dropped_from_the_plan(office: Any) -> None:
    key = await office.key(providers=["other"])
    assert (await office.ask(key, "mixed")).status == 200
    plan = office.client.settled[-1].exchange.plan
    assert [str(target) for target in plan.targets] == ["other/large"]
    decision = plan.decisions[-1]
    assert (decision.by, decision.what) == ("virtual_keys", "drop fake/small")
    answer = await office.ask(key, "fast")
    assert (answer.status, "'fast'" in await error_message(answer)) == (403, True)


class Wanderer(Plugin):
    """Adds a target behind the back of the plugin, and takes another model."""

    mutates = frozenset({"request"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        if exchange.model == "fake/echo":
            exchange.set_model("other/echo")

    @hookimpl
    async def route(self, exchange: Exchange, plan: Plan) -> Plan:
        return plan.add([Target("other", "echo")], "it is cheaper", first=True)


async def test_no_other_plugin_takes_a_request_where_its_key_does_not_allow(
    office_with: Any,
) -> None:
    async with office_with(more="[plugins.wanderer]", plugins={"wanderer": Wanderer}) as office:
        await office.create("organizations", name="acme", permissions=["*"])
        for fields in (
            {"providers": ["fake"]},
            {"models": ["fake/*", "fast"], "providers": ["fake"]},
        ):
            key = await office.key(**fields)
            for model in ("fast", "fake/echo"):
                assert (await office.ask(key, model)).status == 403
        assert (await office.ask(await office.key(), "fast")).status == 200
        assert office.client.fake.requests == []


async def test_a_key_is_good_where_it_may_be_used(office: Any) -> None:
    near = await office.key(addresses=["127.0.0.0/8"])
    far = await office.key(addresses=["10.0.0.0/8", "2001:db8::/32"])
    assert (await office.ask(near)).status == 200
    answer = await office.ask(far)
    assert (answer.status, await error_message(answer)) == (
        403,
        "The key may not be used from this address.",
    )


async def test_operations_and_permissions_are_bounds(office: Any) -> None:
    no_chat = await office.key(operations=["embed*"])
    nothing = await office.key(permissions=["models"])
    assert "'chat'" in await error_message(await office.ask(no_chat))
    answer = await office.ask(nothing)
    assert (answer.status, "permission" in await error_message(answer)) == (403, True)


async def test_a_request_says_of_itself_what_it_must(office: Any) -> None:
    key = await office.key(required_metadata=["session", "cost"], metadata={"cost": "7"})
    answer = await office.ask(key)
    assert answer.status == 400
    assert "session" in await error_message(answer)
    assert '{"session": "…"}' in await error_message(answer)
    assert (await office.ask(key, headers=HERE)).status == 200


async def test_a_broken_body_is_told_to_who_has_a_key(office: Any) -> None:
    key = await office.key(models=["fake/*"])
    headers = {"authorization": f"Bearer {key}"}
    answer = await office.client.post("/testing/chat", body=b"{", headers=headers)
    assert answer.status == 400
    answer = await office.client.post("/testing/chat", body=b"{")
    assert answer.status == 401


async def test_a_limited_key_cannot_ask_without_saying_for_what(office: Any) -> None:
    limited = await office.key(models=["fake/*"])
    free = await office.key()
    for key, status in ((limited, 403), (free, 404)):
        headers = {"authorization": f"Bearer {key}"}
        answer = await office.client.post("/v1/batches", json={}, headers=headers)
        assert answer.status == status
        assert (await office.client.get("/v1/models", headers=headers)).status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"models": ["fake/echo", "other/large"]},
        {"fallbacks": [{"model": "other/large"}]},
        {"tools": [{"type": "advisor", "model": "large"}]},
    ],
)
async def test_models_that_a_body_names_besides_are_judged_as_well(
    office: Any, more: dict[str, Any]
) -> None:
    key = await office.key(models=["fake/e*"])
    answer = await office.ask(key, **more)
    assert answer.status == 403
    assert b"large" in await answer.read()
    assert (await office.ask(key, models=["fake/echo", "else"])).status == 200


async def test_a_list_of_models_has_those_that_may_be_used(office: Any) -> None:
    key = await office.key(models=["fast"])
    headers = {"authorization": f"Bearer {key}"}
    listed = await (await office.client.get("/v1/models", headers=headers)).json()
    assert [one["id"] for one in listed["data"]] == ["fast"]


async def test_no_key_and_no_secret_is_logged(office: Any) -> None:
    key = await office.key()
    await office.ask(key)
    await office.ask(key[:-1])
    await office.client.post(f"/v1/chat/completions?api_key={key}", json={})
    log = office.client.log()
    assert "status=200" in log
    assert key[16:59] not in log


async def test_the_public_endpoints_ask_for_no_key(office: Any) -> None:
    assert (await office.client.get("/health")).status == 200
    assert (await office.client.get("/ready")).status == 200
