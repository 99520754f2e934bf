"""`jackfield plugins`: what is in use, in order, and what is installed besides."""

import json
from pathlib import Path

from .conftest import Run

CONFIG = """\
[server]
front_doors = []
[providers.parrot]
[plugins.awake]
use = "guard"
[plugins.asleep]
use = "guard"
word = "sleep"
"""


def test_plugins_are_listed_in_the_order_of_the_file(folder: Path, jackfield: Run) -> None:
    (folder / "jackfield.toml").write_text(CONFIG)
    ran = jackfield("plugins")
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert (ran.code, rows[2]) == (0, "# NAME VERSION HOOKS ON ERROR DEADLINE HEALTH")
    assert rows[3:6] == [
        "1 awake guard 1.2 pre_request, route refuse 250 ms not started",
        "2 asleep guard 1.2 pre_request, route refuse 250 ms not started",
        "parrot 1.2 provider not started",
    ]


def test_what_is_installed_but_not_named_is_listed_without_an_import(
    folder: Path, jackfield: Run
) -> None:
    (folder / "jackfield.toml").write_text(CONFIG)
    last = jackfield("plugins").out.splitlines()[-1]
    assert last.startswith("installed, not used: absent 1.2, ")
    assert ", failing 1.2, " in last


def test_their_health_is_checked_when_requested(folder: Path, jackfield: Run) -> None:
    (folder / "jackfield.toml").write_text(CONFIG)
    ran = jackfield("plugins", "--health", "--json")
    listed = json.loads(ran.out)
    assert ran.code == 1
    assert [one["health"] for one in listed["plugins"]] == ["ok", "the guard sleeps"]
    assert [one["health"] for one in listed["providers"]] == ["ok"]
    assert listed["unused"]["failing"] == "1.2"
