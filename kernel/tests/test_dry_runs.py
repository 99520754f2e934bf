"""Hooks that only tell what would be done are called in dry runs and in no other request."""

from typing import Any

from jackfield import Exchange, Plan, Plugin, dry_runs_only, hookimpl
from jackfield._hook_chain import Member, compile_hooks
from jackfield.testing import run_gateway


class Teller(Plugin):
    """Tells something of every plan."""

    calls = 0

    @hookimpl
    @dry_runs_only
    async def route(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """Tell it."""
        self.calls += 1
        return plan.note("this would be told", "it is asked")


class Accountant(Plugin):
    """Accounts for what is used."""

    wants_usage = True


def gateway(**plugins: type[Plugin]) -> Any:
    return run_gateway("".join(f"[plugins.{name}]\n" for name in plugins), plugins)


async def test_a_hook_for_dry_runs_alone_is_called_in_them() -> None:
    async with gateway(teller=Teller) as client:
        body = {"model": "fake/echo", "messages": [{"role": "user", "content": "Hello"}]}
        told = await (await client.post("/jackfield/explain", json=body)).read()
        assert b"this would be told" in told


async def test_other_requests_are_spared_it() -> None:
    async with gateway(teller=Teller) as client:
        assert (await client.chat("Hello")).status == 200
        assert client.plugins["teller"].calls == 0


def test_the_usage_is_wanted_as_soon_as_one_plugin_accounts_for_it() -> None:
    members = [Member(kind({}), "refuse", 250) for kind in (Teller, Accountant)]
    for member, name in zip(members, ("teller", "accountant"), strict=True):
        member.plugin.name = name
    assert compile_hooks(members).wants_usage
    assert not compile_hooks(members[:1]).wants_usage
