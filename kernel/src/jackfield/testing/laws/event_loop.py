"""A hook does not block other requests."""

from jackfield._watchdog import BLOCKED_SECONDS
from jackfield.testing.harness import run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks


async def does_not_block(subject: Subject) -> None:
    """The watchdog reports nothing."""
    async with run_harness(subject) as harness:
        await harness.read()
        await harness.read(stream=True)
        blocks = harness.gateway.watchdog.blocks.get(f"plugin {subject.name}", 0)
        if blocks:
            raise LawBrokenError(
                f"it blocked the event loop for over {BLOCKED_SECONDS * 1000:g} ms;"
                " await what waits, and give what computes to asyncio.to_thread"
            )


EVENT_LOOP = (
    Law("event-loop", "a plugin does not block the event loop", does_not_block, has_hooks),
)
