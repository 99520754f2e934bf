"""The sixth law: a plugin changes what it declares, through the methods that record it."""

from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.stage import Stage, stage


async def changes_what_it_declares(subject: Subject) -> None:
    """Requests of every kind, whole, streamed and failing."""
    for text in subject.texts:
        for stream in (False, True):
            async with stage(subject) as on:
                await on.read(stream=stream, text=text)
                await _check(on)
    async with stage(subject) as on:
        on.fake.fail(503)
        await on.read(model="pair")
        await _check(on)


async def _check(on: Stage) -> None:
    exchange = (await on.settled()).exchange
    undeclared = [failure for failure in exchange.failures if "UndeclaredChange" in failure]
    if undeclared:
        raise LawBrokenError(f"it changed what its `mutates` does not name: {undeclared[0]}")
    for call in on.probe.calls:
        if call.direct:
            raise LawBrokenError(
                f"its {call.hook} set exchange.{call.direct[0]} itself; use the exchange's methods,"
                " which record the change"
            )


CHANGES = (
    Law(
        "declared-changes",
        "a plugin changes only what its `mutates` names, by recorded methods",
        changes_what_it_declares,
        has_hooks,
    ),
)
