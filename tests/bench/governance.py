"""A gateway with a key, three nested budgets and two rate limits, and the same without."""

import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import msgspec
from multidict import CIMultiDict, CIMultiDictProxy
from tests.bench.machine import LOAD_CPU, Unfit, on_cpu

from jackfield._gateway import Gateway
from jackfield._loader import installed
from jackfield.config import parse
from jackfield.http import HttpRequest

PLAIN: Final = """\
[server]
log_level = "error"
front_doors = ["openai"]
[providers.openai]
base_url = "http://127.0.0.1:9/v1"
"""
PRICE: Final = """\
[prices."openai/*"]
input = 0.15
output = 0.60
"""
KEYS: Final = """\
[plugins.virtual_keys.organizations.acme]
[plugins.virtual_keys.teams.search]
organization = "acme"
[plugins.virtual_keys.users.ann]
team = "search"
"""
LIMITS: Final = """\
[plugins.rate_limits.limits.requests]
scope = "key:*"
requests = 100_000_000
[plugins.rate_limits.limits.tokens]
scope = "team:search"
tokens = 100_000_000_000
[plugins.budgets.limits.organization]
scope = "organization:acme"
limit = "900000.00"
[plugins.budgets.limits.team]
scope = "team:search"
limit = "500000.00"
window = "30d"
[plugins.budgets.limits.key]
scope = "key:*"
limit = "100000.00"
window = "day"
"""
GOVERNED: Final = KEYS + LIMITS
PLUGINS: Final = {
    "nothing": "",
    "key": KEYS,
    "key, 2 rates": KEYS + LIMITS.partition("[plugins.budgets")[0],
    "key, 2 rates, 3 budgets": GOVERNED,
}


@asynccontextmanager
async def governed(plugins: str, directory: Path) -> AsyncIterator[tuple[Gateway, str]]:
    """A gateway with these plugins, and a key for it if they want one."""
    document = parse(PLAIN + PRICE + plugins, directory=directory)
    async with Gateway(document, installed()) as gateway:
        yield gateway, await _key(gateway) if KEYS in plugins else ""


async def _key(gateway: Gateway) -> str:
    headers = CIMultiDict({"host": "localhost", "content-type": "application/json"})
    payload = msgspec.json.encode({"user": "ann"})
    request = HttpRequest("POST", "/jackfield/keys", "", CIMultiDictProxy(headers), payload, "unix")
    response = await gateway.admin_frontend.handle(request)
    if response.status != 201 or not isinstance(response.body, bytes):
        raise Unfit(f"no key can be made: {response.status} {response.body!r}")
    return str(msgspec.json.decode(response.body)["key"])


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    """The table of a Redis that runs meanwhile."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise Unfit("there is no redis-server; apt install redis-server")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    words = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(directory), "--save", ""]
    # As quick to its turn as what is measured, which would starve it.
    server = subprocess.Popen(
        [binary, *words],
        stdout=subprocess.DEVNULL,
        preexec_fn=on_cpu(LOAD_CPU),  # noqa: PLW1509 - there are no threads
    )
    try:
        yield f'[plugins.redis_store]\nurl = "redis://127.0.0.1:{port}"\n'
    finally:
        server.terminate()
        server.wait()
