"""`jackfield audit`, on a trail that is whole and on one that is not."""

import asyncio
import csv
import json
import time
from pathlib import Path

import pytest

from jackfield.commands import main
from jackfield.errors import ConfigError
from jackfield.testing import run_gateway

TOML = '[plugins.audit]\ntraffic = "open"\n[providers.demo]\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and a trail of five records."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jackfield.toml").write_text(TOML)
    asyncio.run(five_requests(tmp_path))
    return tmp_path


async def five_requests(folder: Path) -> None:
    async with run_gateway(TOML, directory=folder) as client:
        for _ in range(5):
            await client.chat()


async def no_request(folder: Path) -> None:
    async with run_gateway(TOML, directory=folder):
        pass


def let_minutes_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time() + 200
    monkeypatch.setattr(time, "time", lambda: later)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["audit", *words])
    return code, capsys.readouterr().out


def test_a_whole_trail_is_reported_as_whole(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = run(capsys, "verify")
    assert code == 0
    assert "5 records, 1 anchors: whole" in out


def test_an_edited_trail_is_reported_with_the_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail = folder / "jackfield-state/audit/trail.jsonl"
    lines = trail.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace('"status":200', '"status":500')
    trail.write_text("".join(lines))
    code, out = run(capsys, "verify")
    assert code == 1
    assert "trail.jsonl:3: it has been edited" in out
    code, out = run(capsys, "verify", "--json")
    assert (code, len(json.loads(out)["problems"])) == (1, 1)


def test_anchors_that_were_taken_away_are_missed(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "jackfield-state/audit/anchors.jsonl").unlink()
    code, out = run(capsys, "verify")
    assert code == 0, "they might be on their way"
    let_minutes_pass(monkeypatch)
    code, out = run(capsys, "verify")
    assert code == 1
    assert "trail.jsonl:1: no anchor vouches for it" in out


def test_what_a_process_that_died_has_not_anchored_the_next_one_does(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "jackfield-state/audit/anchors.jsonl").unlink()
    asyncio.run(no_request(folder))
    let_minutes_pass(monkeypatch)
    code, out = run(capsys, "verify")
    assert (code, "5 records, 1 anchors: whole" in out) == (0, True)


def test_a_trail_that_cannot_be_continued_is_reported_at_the_start(folder: Path) -> None:
    with (folder / "jackfield-state/audit/trail.jsonl").open("a") as file:
        file.write("forged\n")
    with pytest.raises(ConfigError, match=r"trail.jsonl cannot be continued.*audit verify"):
        asyncio.run(no_request(folder))


def test_a_trail_that_was_removed_with_its_anchors_is_missed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("trail.jsonl", "anchors.jsonl", "anchor.key"):
        (folder / "jackfield-state/audit" / name).unlink()
    code, out = run(capsys, "verify")
    assert code == 1
    assert "trail.jsonl:0: there is no trail" in out
    assert list((folder / "jackfield-state/audit").iterdir()) == [], "nothing is made in its place"


def test_a_missing_key_of_anchors_is_reported_and_not_replaced(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = folder / "jackfield-state/audit/anchor.key"
    known = key.read_text()
    key.unlink()
    assert main(["audit", "verify"]) == 2
    assert "anchor.key is missing" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"anchor.key is missing.*Put it back"):
        asyncio.run(no_request(folder))
    key.write_text(known)
    assert run(capsys, "verify")[0] == 0


def test_records_are_shown_and_exported(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run(capsys, "show", "--last", "2")
    assert code == 0
    assert out.count("answered") == 2
    _, out = run(capsys, "export")
    assert [json.loads(line)["seq"] for line in out.splitlines()] == [1, 2, 3, 4, 5]
    _, out = run(capsys, "export", "--format", "csv", "--since", "2020-01-01")
    assert len(list(csv.DictReader(out.splitlines()))) == 5
    assert run(capsys, "export", "--until", "2020-01-01") == (0, "")


@pytest.mark.parametrize("number", ["0", "-3", "many"])
def test_what_is_no_number_of_records_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    assert main(["audit", "show", "--last", number]) == 2
    assert f"expected a number of records, found '{number}'" in capsys.readouterr().err


def test_what_is_no_day_is_reported_with_the_form_of_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "export", "--since", "yesterday"]) == 2
    assert "'yesterday' is not a date; write it like 2026-11-30" in capsys.readouterr().err


def test_without_the_plugin_there_is_no_trail(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "jackfield.toml").write_text("[providers.demo]\n")
    assert main(["audit", "verify"]) == 2
    assert "no [plugins.audit]" in capsys.readouterr().err
