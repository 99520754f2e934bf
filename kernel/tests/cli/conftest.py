"""The command, run in this process or in one of its own, with sample plugins installed."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import frozen

from jackfield._cli import main
from jackfield._entry_points import read_again

HERE = Path(__file__).parent
POINTS = """\
[jackfield.plugins]
parrot = sample_plugins:Parrot
other_parrot = sample_plugins:OtherParrot
guard = sample_plugins:Guard
failing = sample_plugins:Failing
absent = no_such_module:Absent
[jackfield.well_known_keys]
parrot = PARROT_KEY
[jackfield.commands]
greet = sample_plugins:greet
broken = no_such_module:broken
"""


@frozen
class Ran:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, in an environment where the sample distribution is installed."""
    installed = tmp_path / "site" / "sample-1.2.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: sample\nVersion: 1.2\n")
    (installed / "entry_points.txt").write_text(POINTS)
    places = [str(HERE), str(installed.parent)]
    for place in places:
        monkeypatch.syspath_prepend(place)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(places))
    monkeypatch.delenv("JACKFIELD_CONFIG", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    read_again()
    return work


@pytest.fixture
def jackfield(folder: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process."""

    def run(*words: str | Path) -> Ran:
        code = main([str(word) for word in words])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def jackfield_process(folder: Path) -> Run:
    """Runs the command as a user does, in a process of its own."""

    def run(*words: str | Path, stdin: str = "", **environment: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "jackfield", *map(str, words)],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
            env={**os.environ, **environment},
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run
