"""The third law: a hook that is not implemented costs nothing, and a plugin may opt out."""

import dis
from typing import Any

from attrs import evolve

from jackfield.exchange import Exchange
from jackfield.plugin import HOOKS, Plugin, hookimpl
from jackfield.testing.client import Answer
from jackfield.testing.harness import run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks

_DOES_NOTHING = frozenset(
    {
        "CACHE",
        "COPY_FREE_VARS",
        "LOAD_CONST",
        "NOP",
        "POP_TOP",
        "RESUME",
        "RETURN_CONST",
        "RETURN_GENERATOR",
        "RETURN_VALUE",
    }
)
"""What a function is made of that returns None whatever it is given."""


async def pays_for_no_idle_hook(subject: Subject) -> None:
    """It is in the chain of no hook that it does not need."""
    for hook in subject.hooks:
        code = getattr(subject.kind, hook).__code__
        body = [one.opname for one in dis.get_instructions(code)]
        if _DOES_NOTHING.issuperset(body[: _end_of_body(body)]):
            raise LawBrokenError(f"its {hook} does nothing; leave it out, and it costs nothing")
    async with run_harness(subject) as harness:
        for name in HOOKS:
            chain = getattr(harness.gateway.chain, name)
            stands = any(hook.plugin is harness.plugin for hook in chain)
            if stands and name not in subject.hooks:
                raise LawBrokenError(f"it stands in the chain of {name} without implementing it")


def _end_of_body(body: list[str]) -> int:
    """Where a coroutine's own instructions end and its handler of StopIteration begins."""
    ends = [at for at, name in enumerate(body) if name in ("RETURN_VALUE", "RETURN_CONST")]
    return ends[0] + 1 if ends else len(body)


class Excluder(Plugin):
    """Makes the plugin `excluded` leave the exchange."""

    excluded: Plugin | None = None

    @hookimpl
    async def pre_request(self, exchange: Exchange) -> None:
        """Make it leave."""
        if self.excluded is not None:
            exchange.leave(self.excluded)


async def stays_out_after_leaving(subject: Subject) -> None:
    """Once it has left an exchange it takes no part in it, and the request goes on."""
    toml = f'{subject.toml}\n[plugins.excluder]\nuse = "excluder"\n'
    kinds: dict[str, Any] = {"excluder": Excluder}
    for stream in (False, True):
        async with run_harness(evolve(subject, toml=toml), plugins=kinds) as harness:
            harness.client.plugin("excluder").excluded = harness.plugin
            answer = await harness.read(stream=stream)
            if harness.probe.calls:
                raise LawBrokenError(
                    f"{harness.probe.calls[0].hook} was called although it had left"
                )
            if answer.status != 200 and not _is_unauthenticated(subject, answer):
                raise LawBrokenError(f"without it the request ended in status {answer.status}")


def _is_unauthenticated(subject: Subject, answer: Answer) -> bool:
    """Whether the request was refused because nobody has identified the caller."""
    return subject.kind.authenticates and answer.status == 401


IDLE_HOOKS = (
    Law(
        "idle-hooks",
        "a hook that a plugin does not need costs nothing",
        pays_for_no_idle_hook,
        has_hooks,
    ),
    Law(
        "bow-out",
        "a plugin that has left an exchange takes no part in it",
        stays_out_after_leaving,
        has_hooks,
    ),
)
