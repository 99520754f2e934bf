"""Whatever administrators do, in whatever order: no key may ever do what those above may not."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jackfield import GatewayError, Plugin, Setup
from jackfield.globs import matches
from jackfield.testing import GatewayClient
from jackfield.testing.gateway import ObservedGateway, observed_gateway
from jackfield.testing.memory_store import MemoryStore
from jackfield_virtual_keys.grant import Grant

TOML = "[plugins.memory]\n[plugins.virtual_keys]\ncache_seconds = 0\n"
NAMES = ["a", "b"]
OFTEN_A = ["a", "a", "a", "b"]
KINDS = ["organizations", "teams", "users", "projects", "keys"]
PERMISSIONS = ["inference", "models", "files"]
MODELS = ["gpt", "gpt-mini", "haiku"]
PATTERNS = ["*", "gpt", "gpt*", "*mini", "haiku", "*i*"]
PROVIDERS = ["openai", "azure"]
NETWORKS = ["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "::/0"]
ADDRESSES = ["10.0.0.1", "10.200.0.1", "192.0.2.1", "2001:db8::1"]


def some(words: list[str]) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from(words), max_size=2, unique=True)


NAME = st.sampled_from(OFTEN_A)
RIGHTS = st.fixed_dictionaries(
    {},
    optional={
        "permissions": some([*PERMISSIONS, "*"]),
        "models": some(PATTERNS),
        "providers": some([*PROVIDERS, "*"]),
        "addresses": some(NETWORKS),
        "roles": some(["admin", "member"]),
    },
)
ABOVE = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("organization", "team", "parent", "user", "project"), NAME),
        "role": st.sampled_from(["admin", "member"]),
    },
)
ACTIONS = ["revoke", "restore", "delete", "rotate"]
STEPS = st.one_of(
    st.tuples(st.just("create"), st.sampled_from(KINDS), NAME, RIGHTS, ABOVE),
    st.tuples(st.just("create"), st.just("keys"), NAME, RIGHTS, ABOVE),
    st.tuples(st.just("update"), st.sampled_from(KINDS), NAME, RIGHTS, st.just({})),
    st.tuples(st.just("update"), st.sampled_from(KINDS[:-1]), NAME, RIGHTS, st.just({})),
    st.tuples(st.just("update"), st.sampled_from(KINDS[1:-1]), NAME, st.just({}), ABOVE),
    st.tuples(st.sampled_from(ACTIONS), st.sampled_from(KINDS), NAME, st.just({}), st.just({})),
)
BEGINNING: list[tuple[str, dict[str, Any]]] = [
    ("organizations", {"permissions": ["*"], "roles": ["admin", "member"]}),
    ("teams", {"organization": "a"}),
    ("users", {"team": "a"}),
    ("projects", {"team": "a"}),
    ("keys", {"user": "a", "project": "a"}),
]
FIELDS = {
    "organizations": set[str](),
    "teams": {"organization", "parent"},
    "users": {"organization", "team"},
    "projects": {"organization", "team"},
    "keys": {"team", "user", "project", "role"},
}


class Memory(Plugin):
    """Brings a store that is empty again for each program."""

    brings_store = True

    async def start(self, setup: Setup) -> None:
        setup.add_store(MemoryStore())


@define(eq=False, repr=False)
class Site:
    """A gateway, and what has been done at it."""

    runner: asyncio.Runner
    gateway: ObservedGateway
    admin: GatewayClient
    keys: dict[str, str] = field(factory=dict)

    async def begin(self) -> None:
        self.keys.clear()
        self.gateway.settled.clear()
        self.gateway.setup._store = MemoryStore()
        self.admin.plugin("virtual_keys")._keyring.forget(None)
        for kind, fields in BEGINNING:
            await self._send("POST", f"/jackfield/{kind}", {"name": "a", **fields})

    async def do(self, step: Any) -> None:
        """Take one step; refusals are part of the program."""
        action, kind, name, rights, above = step
        fields = {**rights, **{key: above[key] for key in above if key in FIELDS[kind]}}
        path = f"/jackfield/{kind}"
        if action == "create":
            given = {key: value for key, value in fields.items() if value is not None}
            if kind != "organizations" and not FIELDS[kind] & given.keys():
                given |= {"team": "a"} if kind in ("users", "projects") else {"organization": "a"}
            await self._send("POST", path, {"name": name, **given})
            return
        if kind == "keys":
            name = next((id for at, id in enumerate(self.keys) if NAMES[at % 2] == name), name)
        method = {"update": "PATCH", "delete": "DELETE"}.get(action, "POST")
        path += f"/{name}" if method != "POST" else f"/{name}/{action}"
        await self._send(method, path, fields if method == "PATCH" else {})

    async def _send(self, method: str, path: str, fields: Mapping[str, Any]) -> None:
        answer = await self.admin.send(method, path, json=fields)
        assert answer.status in (200, 201, 400, 404, 405, 409), await answer.read()
        body = await answer.json()
        if "key" in body:
            self.keys[body["id"]] = body["key"]

    async def kept(self) -> dict[str, dict[str, Any]]:
        """All that there is, by its place."""
        found: dict[str, dict[str, Any]] = {}
        for kind in KINDS:
            listed = await (await self.admin.get(f"/jackfield/{kind}?limit=100")).json()
            found |= {f"{kind[:-1]}:{one['id']}": one for one in listed["data"]}
        return found

    async def grant(self, key: str) -> Grant | None:
        ring = self.admin.plugin("virtual_keys")._keyring
        try:
            granted: Grant = await ring.look_up(key)
        except GatewayError:
            return None
        return granted


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, administered: Any) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("programs")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        gateway = observed_gateway(TOML, {"memory": Memory}, directory=folder)
        runner.run(stack.enter_async_context(gateway))
        yield Site(runner, gateway, administered(gateway))
        runner.run(stack.aclose())


def above(item: Mapping[str, Any], kept: Mapping[str, Mapping[str, Any]]) -> Iterator[Any]:
    """All that an item belongs to, by any way."""
    for field_name in ("parent", "team", "user", "project", "organization"):
        kind = "team" if field_name == "parent" else field_name
        if item.get(field_name):
            parent = kept[f"{kind}:{item[field_name]}"]
            yield parent
            yield from above(parent, kept)


def permits(words: Any, name: str) -> bool:
    return words is None or any(matches(word, name) for word in words)


def is_in_reach(networks: Any, address: str) -> bool:
    return networks is None or any(ip_address(address) in ip_network(one) for one in networks)


def check(grant: Grant, chain: list[Any]) -> None:
    """What a key may do is allowed to all that it belongs to, computed in the plainest way."""
    principal = grant.principal
    for one in chain:
        assert not one["revoked"]
        for model in MODELS:
            assert not principal.may_use(model) or permits(one.get("models"), model)
        for provider in PROVIDERS:
            assert not principal.may_use(provider=provider) or permits(
                one.get("providers"), provider
            )
        for permission in PERMISSIONS:
            assert not principal.may(permission) or permits(one.get("permissions"), permission)
        for address in ADDRESSES:
            if is_in_reach(grant.allowed.addresses, address):
                assert is_in_reach(one.get("addresses"), address)
    top = chain[-1]
    assert principal.tenant == top["id"]
    assert top.get("permissions") is not None or not principal.may("files")
    assert principal.role is None or principal.role in (top.get("roles") or ())


async def play(site: Site, program: list[Any]) -> None:
    await site.begin()
    for step in program:
        await site.do(step)
    kept = await site.kept()
    for id, key in site.keys.items():
        item = kept.get(f"key:{id}")
        grant = await site.grant(key)
        if item is None:
            assert grant is None
        elif grant is not None:
            check(grant, [item, *above(item, kept)])


PROGRAMS = st.lists(STEPS, min_size=4, max_size=20)
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.mark.timeout(120)
@given(PROGRAMS)
@settings(max_examples=200, suppress_health_check=CHECKS)
def test_no_program_gives_a_key_more_than_there_is_above_it(site: Site, program: list[Any]) -> None:
    site.runner.run(play(site, program))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(PROGRAMS)
@settings(
    max_examples=int(os.environ.get("JACKFIELD_PROGRAMS", "10000")), suppress_health_check=CHECKS
)
def test_no_program_of_very_many_does(site: Site, program: list[Any]) -> None:
    site.runner.run(play(site, program))
