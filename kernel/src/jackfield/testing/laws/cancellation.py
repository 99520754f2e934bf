"""A cancelled hook stops: it cleans up, and lets the cancellation propagate."""

import asyncio

from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.provider import Gate, Reply
from jackfield.testing.stage import stage

ASYNC_HOOKS = ("pre_request", "route", "call_provider", "post_response")


async def lets_cancellation_out(subject: Subject) -> None:
    """Cancel each hook where it first waits, and the provider call within it."""
    for hook in ASYNC_HOOKS:
        if hook in subject.hooks:
            await _cancel_in(subject, hook)
    async with stage(subject) as on:
        gate = Gate()
        on.fake.always(Reply(("held",), gate=gate))
        asking = on.say()
        if not await on.until(gate, asking.task):
            return
        asking.disconnect()
        await asking
        for call in on.probe.of("call_provider"):
            was = any(isinstance(one.error, asyncio.CancelledError) for one in call.nexts)
            if was and not isinstance(call.error, asyncio.CancelledError):
                raise LawBrokenError(_swallowed("call_provider"))


async def _cancel_in(subject: Subject, hook: str) -> None:
    async with stage(subject) as on:
        on.probe.cancels = hook
        asking = on.say()
        await asyncio.wait({asking.task})
        for call in on.probe.of(hook):
            if call.cancelled and not isinstance(call.error, asyncio.CancelledError):
                raise LawBrokenError(_swallowed(hook))


def _swallowed(hook: str) -> str:
    return f"its {hook} swallowed a cancellation; catch Exception, and clean up in `finally`"


CANCELLATION = (
    Law(
        "cancellation", "a cancelled hook ends in CancelledError", lets_cancellation_out, has_hooks
    ),
)
