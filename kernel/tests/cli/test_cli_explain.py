"""`jackfield explain`: what would become of a request."""

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Run

CONFIG = """\
[server]
front_doors = []
[providers.parrot]
[providers.hermit]
use = "parrot"
[models.fast]
targets = ["hermit/grey"]
fallbacks = ["parrot/grey"]
[plugins.first]
use = "guard"
avoid = "hermit"
[plugins.failing]
[plugins.last]
use = "guard"
word = "silence"
"""


def described(folder: Path, **body: Any) -> Path:
    (folder / "jackfield.toml").write_text(CONFIG)
    path = folder / "request.json"
    path.write_text(json.dumps({"model": "fast", "messages": [], **body}))
    return path


def test_it_explains_the_whole_path_of_a_request(folder: Path, jackfield: Run) -> None:
    ran = jackfield("explain", described(folder))
    assert (ran.code, ran.err) == (0, "")
    assert [" ".join(line.split()) for line in ran.out.splitlines() if line][:5] == [
        "POST /v1/chat/completions",
        "dialect sample.chat",
        "operation chat",
        "model fast",
        "tenant local",
    ]
    assert "drop hermit/grey  because it is avoided\n" in ran.out
    assert "failed: failing.route: raised KeyError → skip\n" in ran.out
    assert "targets hermit/grey, parrot/grey  because alias fast\n" in ran.out
    assert ran.out.endswith("would go to parrot/grey; nothing was sent\n")


def test_a_refusal_names_who_was_not_reached(folder: Path, jackfield: Run) -> None:
    ran = jackfield("explain", described(folder, word="silence"))
    assert ran.code == 1
    assert ran.out.endswith("refused with 403 forbidden: That is not allowed here.\n")
    assert jackfield("explain", described(folder, word="hush")).out.count("not reached") == 2


def test_what_would_be_lost_is_shown(folder: Path, jackfield: Run) -> None:
    ran = jackfield("explain", described(folder, pictures=1))
    assert "  1 → parrot/grey\n      loses pictures dropped\n" in ran.out


def test_a_plan_without_targets_is_a_refusal(folder: Path, jackfield: Run) -> None:
    ran = jackfield("explain", described(folder, model="hermit/grey"))
    assert ran.code == 1
    why = "No target is left for 'hermit/grey'. drop hermit/grey: it is avoided"
    assert ran.out.endswith(f"refused with 502 provider_error: {why}\n")


def test_the_request_may_come_from_stdin(folder: Path, jackfield_process: Run) -> None:
    text = described(folder).read_text()
    ran = jackfield_process("explain", "-", "--json", stdin=text)
    assert (ran.code, ran.err) == (0, "")
    explained = json.loads(ran.out)
    assert [target["target"] for target in explained["plan"]["targets"]] == ["parrot/grey"]


def test_a_whole_request_may_be_described(folder: Path, jackfield: Run) -> None:
    path = described(folder)
    whole = {"method": "get", "path": "/health?deep=1", "body": {}}
    path.write_text(json.dumps(whole))
    assert jackfield("explain", path).out.startswith("GET /health\n")


@pytest.mark.parametrize("method", ["", '"method": "GET", '])
def test_a_request_without_a_body_may_be_described(
    method: str, folder: Path, jackfield: Run
) -> None:
    path = described(folder)
    path.write_text(f'{{{method}"path": "/health"}}')
    assert jackfield("explain", path).out.startswith("GET /health\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "request.json: "),
        ("[1]", "Say which request is meant"),
        ('{"nothing": 1}', "Say which request is meant"),
        ('{"method": 7, "path": "/health", "body": {}}', "`method` must be a string."),
    ],
)
def test_what_is_no_request_is_one_line(
    text: str, message: str, folder: Path, jackfield: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    described(folder).write_text(text)
    ran = jackfield("explain", "request.json")
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert ran.err.startswith(message)


def test_a_file_that_cannot_be_read_is_one_line(folder: Path, jackfield: Run) -> None:
    ran = jackfield("explain", "nothing.json")
    assert (ran.code, ran.err) == (
        2,
        "nothing.json: cannot be read: No such file or directory\n",
    )
