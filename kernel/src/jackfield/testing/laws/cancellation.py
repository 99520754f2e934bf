"""A cancelled hook stops: it cleans up, and lets the cancellation propagate."""

import asyncio

from jackfield.testing.harness import run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.provider import Gate, Reply

ASYNC_HOOKS = ("pre_request", "route", "call_provider", "post_response")


async def lets_cancellation_out(subject: Subject) -> None:
    """Cancel each hook where it first waits, and the provider call within it."""
    for hook in ASYNC_HOOKS:
        if hook in subject.hooks:
            await _cancel_in(subject, hook)
    async with run_harness(subject) as harness:
        gate = Gate()
        harness.fake.always(Reply(("held",), gate=gate))
        pending = harness.start_chat()
        if not await harness.until(gate, pending.task):
            return
        pending.disconnect()
        await pending
        for call in harness.probe.of("call_provider"):
            was = any(isinstance(one.error, asyncio.CancelledError) for one in call.next_calls)
            if was and not isinstance(call.error, asyncio.CancelledError):
                raise LawBrokenError(_swallowed("call_provider"))


async def _cancel_in(subject: Subject, hook: str) -> None:
    async with run_harness(subject) as harness:
        harness.probe.cancelled_hook = hook
        pending = harness.start_chat()
        await asyncio.wait({pending.task})
        for call in harness.probe.of(hook):
            if call.cancelled and not isinstance(call.error, asyncio.CancelledError):
                raise LawBrokenError(_swallowed(hook))


def _swallowed(hook: str) -> str:
    return f"its {hook} swallowed a cancellation; catch Exception, and clean up in `finally`"


CANCELLATION = (
    Law(
        "cancellation", "a cancelled hook ends in CancelledError", lets_cancellation_out, has_hooks
    ),
)
