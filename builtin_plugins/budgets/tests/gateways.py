"""Gateways with budgets, and requests to them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jackfield import Exchange, Plugin, Principal, Setup, hookimpl
from jackfield.messages import Usage
from jackfield.store import Account
from jackfield.testing import GatewayClient, run_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield.testing.provider import Reply

PRICES = """
[providers.openai]
base_url = "http://127.0.0.1:9/v1"

[prices."fake/*"]
input = 1.0
output = 2.0
request = 0.0

[plugins.memory]

[plugins.callers]
"""


class Memory(Plugin):
    """Keeps everything in memory."""

    brings_store = True

    async def start(self, setup: Setup) -> None:
        setup.add_store(MemoryStore())


class Callers(Plugin):
    """Takes who asks from headers."""

    mutates = frozenset({"principal"})

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        headers = exchange.request.headers
        scopes = tuple(headers.get("x-scopes", "").split())
        tenant = headers.get("x-tenant", "acme")
        exchange.set_principal(Principal(tenant, permissions=frozenset({"*"}), scopes=scopes))


PLUGINS = {"callers": Callers, "memory": Memory}


def budget(name: str, **fields: Any) -> str:
    lines = [f"[plugins.budgets.limits.{name}]"]
    for key, value in fields.items():
        text = str(value).lower() if isinstance(value, bool) else value
        lines.append(f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {text}")
    return "\n".join(lines) + "\n"


def gateway(directory: Path, *tables: str, own: str = "") -> Any:
    toml = PRICES + f"[plugins.budgets]\n{own}\n" + "".join(tables)
    return run_gateway(toml, PLUGINS, directory=directory)


async def chat(
    client: GatewayClient, model: str = "fake/echo", headers: Mapping[str, str] = {}, **fields: Any
) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}], **fields}
    return await client.post("/v1/chat/completions", json=body, headers=dict(headers))


async def spent(client: GatewayClient, name: str, scope: str = "") -> int:
    plugin: Any = client.plugins["budgets"]
    await plugin._ledger.flush()
    store = plugin.watch._store
    balance = (await store.balances([(Account(scope, f"budget:{name}"), 0)]))[0]
    return int(balance.spent)


async def held(client: GatewayClient, name: str) -> int:
    plugin: Any = client.plugins["budgets"]
    await plugin._allowances.stop()
    balance = (await plugin.watch._store.balances([(Account("", f"budget:{name}"), 0)]))[0]
    return int(balance.held)


def uses(client: GatewayClient, input_tokens: int, output_tokens: int) -> None:
    client.fake.always(Reply(("Hi",), usage=Usage(input_tokens, output_tokens)))
