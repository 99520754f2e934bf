"""The commands, as a user runs them."""

import csv
import datetime as dt
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from jackfield.commands import AdminClient
from jackfield_usage.commands import _apply
from jackfield_usage.reconciliation import Mending

from .conftest import CONFIG, Opened

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def used(opened: Opened, tmp_path: Path) -> Path:
    """A configuration whose gateway has served two requests and has stopped."""
    path = tmp_path / "jackfield.toml"
    config = f'[server]\nadmin = ""\n[providers.demo]\n{CONFIG}'
    path.write_text(config.replace("fake/*", "demo/*"))
    async with opened(path.read_text()) as office:
        for _ in range(2):
            body = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hello"}]}
            assert (await office.client.post("/v1/chat/completions", json=body)).status == 200
    return path


def run(*words: str | Path, code: int = 0) -> str:
    command = [sys.executable, "-m", "jackfield", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_usage_shows_a_line_for_each_group_and_a_total(used: Path) -> None:
    output = run("usage", "--config", used, "--by", "provider", "--by", "model")
    assert "PROVIDER" in output
    assert "demo" in output
    assert "2 requests" in output


def test_usage_says_which_records_are_not_kept_any_more(used: Path) -> None:
    words = ("usage", "--config", used, "--from", "2025-01-01")
    assert "incomplete" not in run(*words)
    output = run(*words, "--by", "tag:feature")
    assert "incomplete: it is read from records, kept since 20" in output


def test_usage_writes_json(used: Path) -> None:
    output = json.loads(run("usage", "--config", used, "--json", "--where", "provider=demo"))
    assert output["totals"]["requests"] == 2


def test_records_are_exported_as_csv_and_parquet(used: Path, tmp_path: Path) -> None:
    table, columns = tmp_path / "out.csv", tmp_path / "out.parquet"
    assert "2 records" in run("usage", "--config", used, "--export", table)
    run("usage", "--config", used, "--export", columns)
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["provider"] for row in rows] == ["demo", "demo"]
    parquet = import_module("pyarrow.parquet")
    found = parquet.read_table(columns).to_pylist()
    assert [row["id"] for row in found] == [row["id"] for row in rows]


def test_an_export_has_times_that_spreadsheets_and_data_frames_understand(
    used: Path, tmp_path: Path
) -> None:
    table, columns = tmp_path / "out.csv", tmp_path / "out.parquet"
    run("usage", "--config", used, "--export", table)
    run("usage", "--config", used, "--export", columns)
    found = import_module("pyarrow.parquet").read_table(columns)
    assert str(found.schema.field("time").type) == "timestamp[us, tz=UTC]"
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [dt.datetime.fromisoformat(row["time"]) for row in rows] == found["time"].to_pylist()
    assert [row["time"][-6:] for row in rows] == ["+00:00", "+00:00"]
    assert [row["charged"] for row in rows] == ["{}", "{}"]


def test_an_unknown_file_and_an_unknown_group_are_refused(used: Path, tmp_path: Path) -> None:
    assert ".parquet" in run("usage", "--config", used, "--export", tmp_path / "x.txt", code=2)
    assert "'by' cannot be 'planet'" in run("usage", "--config", used, "--by", "planet", code=2)


def test_an_export_that_fails_leaves_what_there_was(used: Path, tmp_path: Path) -> None:
    path = tmp_path / "used.csv"
    path.write_text("what there was")
    run("usage", "--config", used, "--export", path, "--where", "nothing=1", code=2)
    assert path.read_text() == "what there was"
    nowhere = tmp_path / "no" / "where.csv"
    output = run("usage", "--config", used, "--export", nowhere, code=2)
    assert output == f"{nowhere}: cannot be written: No such file or directory\n"
    output = run("usage", "--config", used, "--export", path, "--json")
    assert json.loads(output) == {"file": str(path), "records": 2}
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("usage", "--export", "x.csv", "--by", "model"), "leave out --by and --per"),
        (("usage", "--export", "x.csv", "--per", "day"), "leave out --by and --per"),
        (("usage", "--where", "model=a", "--where", "model=b"), "each once, found 'model=b'"),
        (("reconcile", "x.csv", "--tolerance", "nan"), "from 0 to 100, found 'nan'"),
        (("reconcile", "x.csv", "--tolerance", "-1"), "from 0 to 100, found '-1'"),
    ],
)
def test_words_that_mean_nothing_are_refused(used: Path, words: list[str], problem: str) -> None:
    assert problem in run(*words, "--config", used, code=2)


def test_reconcile_reports_differences_by_its_exit_code(used: Path, tmp_path: Path) -> None:
    day = json.loads(run("usage", "--config", used, "--json", "--per", "day"))["rows"][0]
    invoice = tmp_path / "invoice.csv"
    line = f"{day['period']},echo,{day['requests']},{day['input_tokens']}\n"
    invoice.write_text("date,model,requests,input_tokens\n" + line)
    assert "no differences" in run("reconcile", "--config", used, invoice)
    invoice.write_text(f"date,model,requests\n{day['period']},echo,5\n")
    assert "1 difference in 1 line\n" in run("reconcile", "--config", used, invoice, code=1)
    missing = run("reconcile", "--config", used, tmp_path / "none.csv", code=2)
    assert missing == f"{tmp_path / 'none.csv'}: cannot be read: No such file or directory\n"


def test_any_number_of_corrections_is_sent(used: Path) -> None:
    counts = {"cost": 1, "input_tokens": 1, "output_tokens": 1}
    unknown = [Mending(f"r{number}", counts) for number in range(4_000)]
    with AdminClient(str(used)) as client:
        assert _apply(client, unknown) == 0
