"""Who is let in at the admin listener, and who is locked out."""

from pathlib import Path

import pytest

from jackfield._admin_frontend import Failures
from jackfield.admin.state_location import state_location

from .conftest import Admin

LOOPBACK = "127.0.0.1"


async def test_a_key_is_needed_at_an_address_of_the_network(admin: Admin) -> None:
    refused = await admin.ask("GET", "/jackfield/teams", client=LOOPBACK)
    let_in = await admin.ask("GET", "/jackfield/teams", client=LOOPBACK, key="admin")
    assert (refused.status, let_in.status) == (401, 200)


async def test_at_the_socket_a_key_has_its_own_role(admin: Admin) -> None:
    as_owner = await admin.ask("GET", "/jackfield/plugins")
    as_member = await admin.ask("GET", "/jackfield/plugins", key="member:acme")
    wrong = await admin.ask("GET", "/jackfield/plugins", key="unknown")
    assert (as_owner.status, as_member.status, wrong.status) == (200, 403, 401)


async def test_five_wrong_keys_lock_an_address_out_and_no_other(admin: Admin) -> None:
    for _ in range(5):
        wrong = await admin.ask("GET", "/jackfield/teams", client="::1", key="unknown")
        assert wrong.status == 401
    locked = await admin.ask("GET", "/jackfield/teams", client="::1", key="unknown")
    assert (locked.status, locked.body["error"]["code"]) == (429, "locked_out")
    assert 1 <= int(locked.headers["retry-after"]) <= 60
    other = await admin.ask("GET", "/jackfield/teams", client=LOOPBACK, key="unknown")
    assert other.status == 401


async def test_who_is_locked_out_gets_the_same_answer_for_every_key(admin: Admin) -> None:
    for _ in range(5):
        await admin.ask("GET", "/jackfield/teams", client=LOOPBACK, key="unknown")
    for path in ("/jackfield/teams", "/jackfield/nowhere"):
        for key in ("unknown", "", "jf-broken"):
            locked = await admin.ask("GET", path, client=LOOPBACK, key=key)
            assert (locked.status, locked.body["error"]["code"]) == (429, "locked_out")
            assert "not known" not in locked.body["error"]["message"]


async def test_wrong_keys_do_not_lock_out_the_right_one(admin: Admin) -> None:
    for _ in range(7):
        await admin.ask("GET", "/jackfield/teams", client=LOOPBACK, key="unknown")
    for path in ("/jackfield/teams", "/health"):
        assert (await admin.ask("GET", path, client=LOOPBACK, key="admin")).status == 200
    wrong = await admin.ask("GET", "/jackfield/teams", client=LOOPBACK, key="unknown")
    assert wrong.status == 429


def test_failures_count_for_a_minute() -> None:
    failures = Failures()
    for second in range(5):
        assert failures.locked_for("a", 10.0 + second) == 0
        failures.add("a", 10.0 + second)
    assert failures.locked_for("a", 15.0) == 55.0
    assert failures.locked_for("a", 70.0) == 0
    failures.add("a", 70.0)
    assert failures.locked_for("a", 70.0) == 1.0


def test_only_so_many_addresses_are_remembered() -> None:
    failures = Failures()
    for number in range(3000):
        for _ in range(5):
            failures.add(str(number), 0.0)
    assert failures.locked_for("2999", 1.0) > 0
    assert failures.locked_for("0", 1.0) == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"host": "evil.example"},
        {"sec_fetch_site": "cross-site"},
    ],
)
async def test_a_page_of_another_site_is_refused(admin: Admin, headers: dict[str, str]) -> None:
    answer = await admin.ask("GET", "/jackfield/teams", client=LOOPBACK, key="admin", **headers)
    assert answer.status == 403


async def test_who_has_no_role_manages_nothing(admin: Admin) -> None:
    for path in ("/jackfield/teams", "/jackfield/openapi.json"):
        assert (await admin.ask("GET", path, client=LOOPBACK)).status == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/jackfield/teams/none", b""),
        ("POST", "/jackfield/teams", b"{"),
        ("POST", "/jackfield/teams", b'{"name": 7, "unknown": 1}'),
        ("POST", "/jackfield/teams", b'{"name": "a", "name": "b"}'),
        ("POST", "/jackfield/teams/a/grow", b"[]"),
        ("PATCH", "/jackfield/teams", b"{}"),
        ("GET", "/jackfield/nowhere", b""),
        ("GET", "/jackfield/teams/../plugins", b""),
        ("GET", "/jackfield/teams?limit=many", b""),
        ("POST", "/jackfield/explain", b"no JSON"),
    ],
)
@pytest.mark.parametrize("client", ["unix", LOOPBACK])
async def test_a_wrong_key_is_judged_before_anything_else(
    admin: Admin, method: str, path: str, body: bytes, client: str
) -> None:
    refused = await admin.ask(method, path, body, key="unknown", client=client)
    assert (refused.status, refused.body["error"]["code"]) == (401, "unauthenticated")
    assert refused.body["error"]["message"] == "This key is not known."


async def test_what_is_not_there_counts_as_a_wrong_key_too(admin: Admin) -> None:
    for _ in range(5):
        assert (await admin.ask("GET", "/nowhere", client=LOOPBACK, key="unknown")).status == 401
    assert (await admin.ask("GET", "/nowhere", client=LOOPBACK, key="unknown")).status == 429


async def test_an_authorized_caller_gets_what_is_wrong_with_the_request(admin: Admin) -> None:
    nowhere = await admin.ask("GET", "/jackfield/nowhere", key="member:acme")
    method = await admin.ask("PUT", "/jackfield/teams", key="member:acme")
    body = await admin.ask("POST", "/jackfield/teams", b"{", key="admin:acme")
    assert [one.status for one in (nowhere, method, body)] == [404, 405, 400]
    assert method.headers["allow"] == "GET, POST"


def test_gateways_without_a_state_folder_are_distinguished(tmp_path: Path) -> None:
    (tmp_path / "same").symlink_to(tmp_path)
    own, same, other = (state_location(tmp_path / one, "state") for one in (".", "same", "other"))
    assert own == same != other


async def test_a_command_that_means_another_gateway_is_refused_on_the_same_machine_alone(
    admin: Admin, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "jackfield-state").mkdir(exist_ok=True)
    meant = [
        state_location(tmp_path, "jackfield-state"),
        state_location(tmp_path, "own"),
        "elsewhere/1.2",
    ]
    answers = [await admin.ask("GET", "/jackfield/teams", x_jackfield_state=one) for one in meant]
    assert [one.status for one in answers] == [200, 421, 200]
    assert answers[1].body["error"]["code"] == "other_gateway"


async def test_who_has_no_key_does_not_learn_which_gateway_it_is(
    admin: Admin, tmp_path: Path
) -> None:
    meant = state_location(tmp_path, "own")
    (tmp_path / "jackfield-state").mkdir(exist_ok=True)
    answers = await admin.ask(
        "GET", "/jackfield/teams", client=LOOPBACK, key="unknown", x_jackfield_state=meant
    )
    assert answers.status == 401
