"""Which gateways are measured: this one, with and without plugins, and its peers."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tests.bench.gateways import Gateway
from tests.bench.governance import GOVERNED, PRICE
from tests.bench.machine import UPSTREAM_PORT, Unfit

ENVIRONMENTS = Path(os.environ.get("BENCH_ENVS", Path.home() / ".cache" / "jackfield-bench"))
UPSTREAM = f"http://127.0.0.1:{UPSTREAM_PORT}"

CONFIG = """\
[server]
bind = "127.0.0.1:{port}"
requests_in_flight = 5000
log_level = "warning"

[upstream]
retries = 0

[providers.openai]
base_url = "{upstream}/v1"
keys = ["file:{key}"]
"""

PLUGINS = '''
from jackfield import Plugin, hookimpl


class Absent(Plugin):
    """Implements nothing."""


class Idle(Plugin):
    """Implements every hook, and does nothing in any."""

    @hookimpl
    async def pre_request(self, exchange):
        return None

    @hookimpl
    async def route(self, exchange, plan):
        return None

    @hookimpl
    async def call_provider(self, exchange, target, call_next):
        return await call_next(target)

    @hookimpl
    def on_stream_chunk(self, exchange, chunk):
        return None

    @hookimpl
    async def post_response(self, exchange, outcome):
        return None
'''
ENTRY_POINTS = """\
[jackfield.plugins]
bench_absent = bench_plugins:Absent
bench_idle = bench_plugins:Idle
"""


def jackfield(directory: Path, port: int, plugin: str = "", number: int = 0) -> Gateway:
    """This gateway, with `number` plugins of a kind ("idle" or "absent")."""
    name = f"jackfield-{number}-{plugin}" if number else "jackfield"
    _install_plugins(directory)
    key = directory / "key"
    key.write_text("sk-upstream")
    key.chmod(0o600)
    config = CONFIG.format(port=port, upstream=UPSTREAM, key=key)
    for at in range(number):
        config += f'\n[plugins.{plugin}_{at}]\nuse = "bench_{plugin}"\n'
    file = directory / f"{name}.toml"
    file.write_text(config)
    return Gateway(
        name=name,
        port=port,
        command=[str(Path(sys.executable).with_name("jackfield")), "serve", "--config", str(file)],
        env={"PYTHONPATH": str(directory / "site")},
    )


def governed(directory: Path, port: int, store: str) -> Gateway:
    """This gateway with a key, budgets and rate limits, whose state is in a `store`."""
    table = store.partition("]")[0].rpartition(".")[2] or "sqlite_store"
    folder = directory / table
    folder.mkdir()
    key = directory / "key"
    key.write_text("sk-upstream")
    key.chmod(0o600)
    file = folder / "jackfield.toml"
    file.write_text(CONFIG.format(port=port, upstream=UPSTREAM, key=key) + PRICE + store + GOVERNED)
    command = [str(Path(sys.executable).with_name("jackfield"))]
    create = [*command, "keys", "create", "--user", "ann", "--json", "--config", str(file)]
    made = subprocess.run(create, check=True, capture_output=True, text=True)
    return Gateway(
        name=f"jackfield-{table}",
        port=port,
        command=[*command, "serve", "--config", str(file)],
        headers={"Authorization": f"Bearer {json.loads(made.stdout)['key']}"},
    )


def _install_plugins(directory: Path) -> None:
    """Just enough of an installed distribution for its entry points to be found."""
    info = directory / "site" / "bench_plugins-0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-plugins\nVersion: 0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (directory / "site" / "bench_plugins.py").write_text(PLUGINS)


def peers(directory: Path | None, names: Collection[str]) -> list[Gateway]:
    """The gateways of `names` that candidates.toml in `directory` tells how to start."""
    if directory is None:
        return []
    file = directory / "candidates.toml"
    if not file.is_file():
        raise Unfit(f"--peers: there is no {file}")
    tables = tomllib.loads(file.read_text())["candidate"]
    return [_peer(table, directory.resolve()) for table in tables if table["name"] in names]


def _peer(table: dict[str, Any], directory: Path) -> Gateway:
    port = table.get("port", 0)
    words = {"port": port, "here": directory, "envs": ENVIRONMENTS, "upstream": UPSTREAM}
    return Gateway(
        name=table["name"],
        port=port,
        command=[word.format(**words) for word in table["command"]],
        env={key: value.format(**words) for key, value in table.get("env", {}).items()},
        path=table.get("path", "/v1/chat/completions"),
        model=table.get("model", "gpt-4o-mini"),
        headers=table.get("headers", {}),
        port_pattern=table.get("port_re", ""),
        start_limit=table.get("start_limit", 60.0),
        load_share=table.get("stream_scale", 1.0),
    )
