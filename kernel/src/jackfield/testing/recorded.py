"""Recorded traffic that a dialect is held against."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jackfield.dialects import Dialect

from .answer_content import AnswerContent, arguments_of, content_of, content_of_events, tokens_of
from .recorded_law import Case, Plain, Recorded, RecordedLaw, cut, events_of
from .recorded_laws import LAWS

__all__ = [
    "AnswerContent",
    "Recorded",
    "arguments_of",
    "check_recorded",
    "content_of",
    "content_of_events",
    "cut",
    "events_of",
    "tokens_of",
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
    """A test that checks a dialect against each exchange, by every law that applies.

        HI = Recorded("hi", {…}, b"…", expected=AnswerContent("Hi."))
        test_recorded_chats = check_recorded(CHAT, [HI])

    What is read and written has to be what was recorded, to the letter. Where values mean the same
    to the vendor, `plain_request` and `plain_answer` make one of them. `skip` names laws that do
    not fit, or one of them for one exchange as `law-exchange`, each with the reason.
    """
    import pytest  # noqa: PLC0415 - the rest of the kit works without it

    reasons = dict(skip or {})
    cases = [Case(dialect, recorded, plain_request, plain_answer) for recorded in exchanges]
    applied = [law for law in LAWS if law.id not in reasons]
    binding = [(case, [law for law in applied if law.binds(case)]) for case in cases]
    bound = {case.recorded.id: (case, laws) for case, laws in binding}
    known = {_single(law, case) for case, laws in bound.values() for law in laws}
    if unknown := reasons.keys() - known - {law.id for law in LAWS} if cases else ():
        raise ValueError(f"there is nothing to skip that is called {', '.join(sorted(unknown))}")
    params = [pytest.param(*pair, id=id) for id, pair in bound.items() if pair[1]]

    # One test for all laws: pytest spends more on a test than most of them do.
    @pytest.mark.parametrize(("case", "laws"), params)
    def test_recorded(case: Case, laws: Sequence[RecordedLaw]) -> None:
        __tracebackhide__ = True
        for law in laws:
            if _single(law, case) not in reasons:
                law.hold(case)

    return test_recorded


def _single(law: RecordedLaw, case: Case) -> str:
    return f"{law.id}-{case.recorded.id}"


def without_nulls(tree: Any) -> Any:
    """The JSON without members that are null, for a vendor to whom null means absent."""
    if isinstance(tree, dict):
        return {name: without_nulls(value) for name, value in tree.items() if value is not None}
    return [without_nulls(value) for value in tree] if isinstance(tree, list) else tree
