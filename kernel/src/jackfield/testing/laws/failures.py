"""The fifth law: when a hook fails, the policy decides, and the plugin's other hooks cope."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from jackfield.plugin import HOOKS
from jackfield.testing.faulty import FaultKind
from jackfield.testing.law import Law, LawBrokenError, Subject
from jackfield.testing.stage import Stage, stage

from .settling import check_settled

DEADLINE_MS = 20


async def obeys_its_policy(hook: str, subject: Subject) -> None:
    """Make one hook fail in every way and check what becomes of the request."""
    stream = hook == "on_stream_chunk"
    if not await _works(subject, stream=stream):
        return
    for kind in _kinds(hook):
        for policy in ("refuse", "skip"):
            keys: dict[str, Any] = {"on_error": policy}
            if policy == "skip":
                keys["accept_risk"] = True
            if kind == "hang":
                keys["deadline_ms"] = DEADLINE_MS
            async with stage(subject, keys=keys) as on:
                on.probe.fault = (hook, kind)
                await _check(on, hook, f"{hook} did {kind}", policy, stream=stream)


async def _check(on: Stage, hook: str, what: str, policy: str, *, stream: bool) -> None:
    answer = await on.read(stream=stream)
    over = await on.settled()
    if not on.probe.faults_done:
        return
    check_settled(on, over.exchange)
    others = [f for f in over.exchange.failures if not f.startswith(f"{on.subject.name}.{hook}:")]
    if others:
        raise LawBrokenError(f"when its {what}, another hook failed: {'; '.join(others)}")
    if not over.exchange.failures:
        raise LawBrokenError(f"its {what}, and nothing says so")
    failed = over.outcome.error is not None
    closes = policy == "refuse" or (hook == "pre_request" and on.subject.kind.authenticates)
    if failed is not closes:
        raise LawBrokenError(
            f'its {what}, and with on_error = "{policy}" the request ended in status'
            f" {answer.status}, {over.outcome.kind}"
        )


async def _works(subject: Subject, *, stream: bool) -> bool:
    """Whether a plain request is answered at all, so that there is something to compare with."""
    async with stage(subject) as on:
        await on.read(stream=stream)
        return (await on.settled()).outcome.error is None


def _kinds(hook: str) -> Iterator[FaultKind]:
    yield "raise"
    yield "wrong_type"
    if hook not in ("call_provider", "on_stream_chunk"):
        yield "hang"


def _implements(hook: str, subject: Subject) -> bool:
    return hook in subject.hooks


FAILURES = tuple(
    Law(
        f"failure-policy-{hook}",
        "an exception, a missed deadline and a wrong type have the outcome that on_error names",
        partial(obeys_its_policy, hook),
        partial(_implements, hook),
    )
    for hook in HOOKS
)
