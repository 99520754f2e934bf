"""The fifth law: when a hook fails, the policy decides, and the plugin's other hooks cope."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from jackfield.plugin import HOOKS
from jackfield.testing.faulty import FaultKind
from jackfield.testing.harness import Harness, run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject

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
            async with run_harness(subject, keys=keys) as harness:
                harness.probe.fault = (hook, kind)
                await _check(harness, hook, f"{hook} did {kind}", policy, stream=stream)


async def _check(harness: Harness, hook: str, what: str, policy: str, *, stream: bool) -> None:
    answer = await harness.read(stream=stream)
    settled = await harness.settled()
    if not harness.probe.faults_done:
        return
    check_settled(harness, settled.exchange)
    own = f"{harness.subject.name}.{hook}:"
    others = [failure for failure in settled.exchange.failures if not failure.startswith(own)]
    if others:
        raise LawBrokenError(f"when its {what}, another hook failed: {'; '.join(others)}")
    if not settled.exchange.failures:
        raise LawBrokenError(f"its {what}, and nothing says so")
    failed = settled.outcome.error is not None
    closes = policy == "refuse" or (hook == "pre_request" and harness.subject.kind.authenticates)
    if failed is not closes:
        raise LawBrokenError(
            f'its {what}, and with on_error = "{policy}" the request ended in status'
            f" {answer.status}, {settled.outcome.kind}"
        )


async def _works(subject: Subject, *, stream: bool) -> bool:
    """Whether a plain request is answered at all, so that there is something to compare with."""
    async with run_harness(subject) as harness:
        await harness.read(stream=stream)
        return (await harness.settled()).outcome.error is None


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
