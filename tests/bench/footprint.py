"""What the gateway takes up before it does anything: disk, packages, time to import."""

import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from tests.bench.machine import GATEWAY_CPU, HERE, Unfit, on_cpu

ROOT = HERE.parents[1]
ROOMS = ("kernel", "builtin_plugins/openai", "builtin_plugins/demo")
TOOLS = {"pip", "setuptools", "wheel"}


def import_seconds(module: str, repeats: int) -> float:
    """How much longer a new interpreter takes with the import than without; the best of some."""

    def best(code: str) -> float:
        return min(_seconds([sys.executable, "-c", code]) for _ in range(repeats))

    return best(f"import {module}") - best("pass")


def installed(directory: Path) -> tuple[int, int, float]:
    """Our own distributions, those of others, and megabytes, in a new environment."""
    rooms = [str(ROOT / room) for room in ROOMS]
    python = str(directory / "bin" / "python")
    _run([sys.executable, "-m", "venv", "--without-pip", str(directory)])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    _run([*pip, "install", "--quiet", "--no-compile", *rooms])
    listed = json.loads(_run([*pip, "list", "--format=json"]))
    names = {each["name"].lower() for each in listed} - TOOLS
    own = {name for name in names if name.startswith("jackfield")}
    files = (file for file in directory.glob("lib/**/*") if file.is_file())
    return len(own), len(names - own), sum(file.stat().st_size for file in files) / 1e6


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unfit(f"{' '.join(command)}:\n{done.stderr[-800:]}")
    return done.stdout


def _seconds(command: list[str]) -> float:
    began = perf_counter()
    subprocess.run(
        command,
        check=True,
        preexec_fn=on_cpu(GATEWAY_CPU),
    )
    return perf_counter() - began
