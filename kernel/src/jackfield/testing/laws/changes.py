"""The sixth law: a plugin changes what it declares, through the methods that record it."""

from jackfield.testing.law import Law, LawBrokenError, Subject, has_hooks
from jackfield.testing.probe import ProbedCall
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
        if call.hook == "call_provider" and "response" not in on.plugin.mutates:
            _check_attempt(call)


def _check_attempt(call: ProbedCall) -> None:
    responses = [one.response for one in call.nexts if one.response is not None]
    if responses and call.result is not None and all(call.result is not one for one in responses):
        raise LawBrokenError(
            "its call_provider returned another response than call_next gave it; add 'response'"
            " to its `mutates`"
        )


CHANGES = (
    Law(
        "declared-changes",
        "a plugin changes only what its `mutates` names, by recorded methods",
        changes_what_it_declares,
        has_hooks,
    ),
)
