"""The conformance kit as an author meets it: in a test, on the command line, with a reason."""

import subprocess
import sys
from pathlib import Path

import pytest

from jackfield.testing import Recorder, check_plugin

pytestmark = pytest.mark.timeout(120)
MODULE = '''
from jackfield import Plugin, hookimpl
from jackfield.testing import check_plugin


class Idle(Plugin):
    """Has a hook for nothing."""

    @hookimpl
    async def pre_request(self, exchange):
        return None


test_laws = check_plugin(Idle)
'''


def run_pytest(folder: Path, *arguments: str) -> str:
    """What pytest says in a project of somebody else's."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_each_law_is_a_test_of_its_own_and_a_failure_names_law_and_deed(tmp_path: Path) -> None:
    (tmp_path / "test_idle.py").write_text(MODULE)
    output = run_pytest(tmp_path, "test_idle.py")
    assert "FAILED test_idle.py::test_laws[idle-hooks]" in output
    assert "idle-hooks: a hook that a plugin does not need costs nothing" in output
    assert "plugin 'idle' (test_idle.Idle): its pre_request does nothing" in output
    assert "PASSED test_idle.py::test_laws[settled-once-shutdown-in-mid-stream]" in output
    assert "1 failed" in output


MEDDLING = '''
import os

import jackfield.sse
from jackfield import Plugin
from jackfield.testing import check_plugin


class Meddler(Plugin):
    """Changes what is not its own, for good."""

    async def start(self, setup):
        os.environ["MEDDLED"] = "yes"
        jackfield.sse.split = print


test_laws = check_plugin(Meddler)
'''


def test_a_change_that_stays_is_seen_among_all_the_laws(tmp_path: Path) -> None:
    (tmp_path / "test_meddler.py").write_text(MEDDLING)
    output = run_pytest(tmp_path, "test_meddler.py", "-k", "untouched or start-stop")
    assert "it changed jackfield.sse.split" in output
    assert "it changed os.environ" in output


def test_a_law_holds_alone_too(tmp_path: Path) -> None:
    (tmp_path / "test_idle.py").write_text(MODULE)
    assert "1 passed" in run_pytest(tmp_path, "test_idle.py", "-k", "kernel-untouched")


def test_an_installed_plugin_is_checked_without_a_test_of_its_own(tmp_path: Path) -> None:
    kit = ("--pyargs", "jackfield.testing.conformance", "-o", "addopts=")
    (tmp_path / "own.toml").write_text("[plugins.eu]\nuse = 'region_pinning'\nregions = {a = 'b'}")
    table = ("--jackfield-config", "own.toml")
    output = run_pytest(tmp_path, *kit, *table, "--jackfield-plugin", "region_pinning")
    assert "test_law[region_pinning-secrecy]" in output
    assert "FAILED" not in output


def test_a_plugin_that_is_not_installed_is_named(tmp_path: Path) -> None:
    kit = ("--pyargs", "jackfield.testing.conformance")
    output = run_pytest(tmp_path, *kit, "--jackfield-plugin", "region_pining")
    assert "no plugin 'region_pining' is installed; installed are: " in output


def test_a_law_is_skipped_only_by_its_name() -> None:
    skipping = check_plugin(Recorder, skip={"timed": "it takes no time"})
    (mark,) = skipping.pytestmark  # type: ignore[attr-defined] # pytest keeps its marks there
    assert "timed" not in mark.kwargs["ids"]
    assert "secrecy" in mark.kwargs["ids"]
    with pytest.raises(ValueError, match="there is no law tmied"):
        check_plugin(Recorder, skip={"tmied": "a slip of the pen"})
