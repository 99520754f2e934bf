"""Recorded traffic that a dialect is held against."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jackfield.dialects import Dialect

from .recorded_law import Case, Plain, Recorded, RecordedLaw, cut, events_of
from .recorded_laws import LAWS
from .told import Told, arguments_of, tokens_of, told_by, told_by_events

__all__ = [
    "Recorded",
    "Told",
    "arguments_of",
    "check_recorded",
    "cut",
    "events_of",
    "tokens_of",
    "told_by",
    "told_by_events",
    "without_nulls",
]


def check_recorded(
    dialect: Dialect,
    exchanges: Iterable[Recorded],
    *,
    plain_request: Plain = lambda tree: tree,
    plain_answer: Plain = lambda tree: tree,
    skip: Mapping[str, str] | None = None,
) -> Callable[..., None]:
    """A test that holds a dialect against each exchange, by every law that binds it.

        test_recorded_chats = check_recorded(CHAT, [Recorded("hi", {…}, b"…", says=Told("Hi."))])

    What is read and written has to be what was recorded, to the letter. Where values mean the same
    to the vendor, `plain_request` and `plain_answer` make one of them. `skip` names laws that do
    not fit, or single tests by their id, each with the reason.
    """
    import pytest  # noqa: PLC0415 - the rest of the kit works without it

    reasons = dict(skip or {})
    cases = [Case(dialect, one, plain_request, plain_answer) for one in exchanges]
    tried = {
        f"{law.id}-{case.one.id}": (law, case)
        for case in cases
        for law in LAWS
        if law.binds(case) and law.id not in reasons
    }
    if unknown := reasons.keys() - tried.keys() - {law.id for law in LAWS} if cases else ():
        raise ValueError(f"there is nothing to skip that is called {', '.join(sorted(unknown))}")
    params = [pytest.param(*pair, id=id) for id, pair in tried.items() if id not in reasons]

    @pytest.mark.parametrize(("law", "case"), params)
    def test_recorded(law: RecordedLaw, case: Case) -> None:
        __tracebackhide__ = True
        law.hold(case)

    return test_recorded


def without_nulls(tree: Any) -> Any:
    """The JSON without members that are null, for a vendor to whom that says nothing."""
    if isinstance(tree, dict):
        return {name: without_nulls(value) for name, value in tree.items() if value is not None}
    return [without_nulls(value) for value in tree] if isinstance(tree, list) else tree
