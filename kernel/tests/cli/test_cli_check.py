"""`jackfield check`: all that is wrong, at once, or what is right."""

import json
from pathlib import Path

import pytest

from .conftest import Run

WRONG = """\
[server]
wrokers = 3

[providers.parot]
[models.fast]
targets = ["nobody/nothing"]
"""
RIGHT = """\
[server]
front_doors = []
[providers.parrot]
[models.fast]
targets = ["parrot/grey"]
[plugins.guard]
deadline_ms = 40
[plugins.second]
use = "guard"
on_error = "skip"
accept_risk = true
[plugins.absent]
on_error = "skip"
"""


def test_all_problems_come_at_once_with_their_place(folder: Path, jackfield_process: Run) -> None:
    (folder / "wrong.toml").write_text(WRONG)
    ran = jackfield_process("check", "--config", "wrong.toml")
    assert (ran.code, ran.out) == (2, "")
    places = [line.split(" ")[0] for line in ran.err.splitlines()]
    assert places == ["wrong.toml:2:1:", "wrong.toml:4:12:", "wrong.toml:6:12:"]
    assert 'did you mean "workers"?' in ran.err


def test_what_serve_refuses_is_what_check_refuses(folder: Path, jackfield: Run) -> None:
    (folder / "wrong.toml").write_text(WRONG)
    assert jackfield("serve", "-c", "wrong.toml") == jackfield("check", "-c", "wrong.toml")


def test_problems_can_be_had_as_json(folder: Path, jackfield: Run) -> None:
    (folder / "wrong.toml").write_text(WRONG)
    ran = jackfield("check", "-c", "wrong.toml", "--json")
    assert (ran.code, ran.err) == (2, "")
    assert len(json.loads(ran.out)["problems"]) == 3


def test_what_is_right_is_listed_in_order(folder: Path, jackfield: Run) -> None:
    (folder / "right.toml").write_text(RIGHT)
    ran = jackfield("check", "-c", "right.toml")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[0] == "ok  right.toml: 1 provider, 1 model, 2 plugins"
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert "fast parrot/grey warn" in rows
    assert "1 guard 1.2 pre_request, route refuse 40 ms" in rows
    assert "2 second guard 1.2 pre_request, route skip 250 ms" in rows
    assert rows[-1].startswith("left out: absent cannot be imported: ModuleNotFoundError")


def test_the_list_can_be_had_as_json(folder: Path, jackfield: Run) -> None:
    (folder / "right.toml").write_text(RIGHT)
    found = json.loads(jackfield("check", "-c", "right.toml", "--json").out)
    assert found["problems"] == []
    assert [(one["name"], one["use"]) for one in found["plugins"]] == [
        ("guard", "guard"),
        ("second", "guard"),
    ]


def test_a_file_that_is_not_there_is_one_line(jackfield: Run) -> None:
    ran = jackfield("check", "-c", "nowhere.toml")
    assert ran.code == 2
    assert ran.err == "nowhere.toml: no such file; `jackfield init` creates one\n"


def test_the_file_may_come_from_the_environment(
    folder: Path, jackfield: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "jackfield.toml").write_text("")
    assert jackfield("check").out.startswith("ok  jackfield.toml: 0 providers")
    (folder / "other.toml").write_text("server.front_doors = []\n[providers.parrot]\n")
    monkeypatch.setenv("JACKFIELD_CONFIG", "other.toml")
    assert jackfield("check").out.startswith("ok  other.toml: 1 provider,")
    assert jackfield("check", "-c", "jackfield.toml").out.startswith("ok  jackfield.toml")


def test_a_certificate_that_cannot_be_used_is_found(folder: Path, jackfield: Run) -> None:
    (folder / "cert.pem").write_text("no certificate")
    (folder / "tls.toml").write_text('[server]\ntls = { cert = "cert.pem", key = "cert.pem" }\n')
    ran = jackfield("check", "-c", "tls.toml")
    assert ran.code == 2
    assert ran.err.startswith(f"server.tls: {folder}/cert.pem and ")


def test_endpoints_that_two_vendors_claim_are_found(folder: Path, jackfield: Run) -> None:
    text = '[server]\nfront_doors = ["parrot", "other_parrot"]\n'
    (folder / "doors.toml").write_text(text)
    ran = jackfield("check", "-c", "doors.toml")
    assert ran.code == 2
    assert ran.err == "two plugins claim the endpoint POST /v1/chat/completions\n"


def test_what_a_plugin_says_of_a_key_is_reported_at_the_key(folder: Path, jackfield: Run) -> None:
    (folder / "wrong.toml").write_text('[plugins.guard]\nword = "a"\navoid = "a"\n')
    ran = jackfield("check", "-c", "wrong.toml")
    place = "wrong.toml:3:9: plugins.guard.avoid: "
    assert (ran.code, ran.err) == (2, f"{place}must not be the word as well\n")


def test_a_front_door_that_is_no_provider_is_found(folder: Path, jackfield: Run) -> None:
    (folder / "wrong.toml").write_text('[server]\nfront_doors = ["parrot", "guard"]\n')
    ran = jackfield("check", "-c", "wrong.toml")
    place = "wrong.toml:2:26: server.front_doors[1]: "
    assert (ran.code, ran.err) == (2, f"{place}guard is not a provider: it has no endpoints\n")


def test_a_plugin_that_two_distributions_bring_is_found(folder: Path, jackfield: Run) -> None:
    other = folder.parent / "site" / "other-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text("[jackfield.plugins]\nguard = sample_plugins:Failing\n")
    (folder / "wrong.toml").write_text("[plugins.guard]\n")
    ran = jackfield("check", "-c", "wrong.toml")
    assert ran.code == 2
    assert ran.err.endswith("ImportError: other and sample both bring it; uninstall one\n")


def test_a_target_that_is_switched_off_is_reported(folder: Path, jackfield: Run) -> None:
    (folder / "old.toml").write_text(RIGHT + "[capabilities.grey]\nretires = 2020-02-29\n")
    ran = jackfield("check", "-c", "old.toml")
    warning = "models.fast: the vendor of parrot/grey switches it off on 2020-02-29"
    assert (ran.code, ran.out.splitlines()[-1]) == (0, warning)
    ran = jackfield("check", "-c", "old.toml", "--json")
    assert json.loads(ran.out)["retiring"] == [warning]
