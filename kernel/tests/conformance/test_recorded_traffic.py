"""Dialects that read recorded traffic wrongly, each found by the kit under the law's name."""

from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
import pytest
from attrs import evolve
from msgspec.structs import replace

from jackfield import sse
from jackfield.dialects import CanonicalRequest, Dialect, Rendered, UpstreamFailure
from jackfield.messages import ChatRequest, ChatResponse, Usage
from jackfield.testing import TESTING_CHAT, ChatDialect
from jackfield.testing.law import LawBrokenError
from jackfield.testing.recorded import AnswerContent, Recorded, check_recorded
from jackfield.testing.recorded_law import Case
from jackfield.testing.recorded_laws import LAWS

REQUEST = {"model": "m", "messages": [{"role": "user", "text": "Hi"}], "max_tokens": 5}
ANSWER = {"model": "m", "text": "Yes.", "finish": "stop", "usage": {"input": 3, "output": 2}}
FACTS: list[dict[str, Any]] = [
    *({"model": "m"}, {"text": "Y\u00e8"}, {"text": "s."}, {"finish": "stop"}),
    *({"usage": {"input": 3, "output": 2}}, {"end": True}),
]
CONTENT = AnswerContent("Yes.", "", [], "stop", Usage(3, 2))
WHOLE = Recorded("whole", REQUEST, msgspec.json.encode(ANSWER), expected=CONTENT)
STREAM = Recorded(
    "stream",
    {**REQUEST, "stream": True},
    b"".join(sse.encode(msgspec.json.encode(fact)) for fact in FACTS),
    streams=True,
    expected=evolve(CONTENT, text="Y\u00e8s."),
)
REFUSAL = b'{"error":{"code":"c","message":"No."}}'
ERROR = Recorded("error", REQUEST, REFUSAL, 400, expected=UpstreamFailure("No."))

test_the_kits_own_dialect = check_recorded(TESTING_CHAT, [WHOLE, STREAM, ERROR])


class Forgets(ChatDialect):
    """Drops the limit without reporting a loss."""

    def render_request(self, request: CanonicalRequest) -> Rendered:
        assert isinstance(request, ChatRequest)
        return super().render_request(replace(request, max_tokens=None))


class Counts(ChatDialect):
    """Reports another usage than the answer has."""

    def usage(self, body: bytes) -> Usage | None:
        return Usage(1, 1)


class Renames(ChatDialect):
    """Answers with another model."""

    def parse_response(self, body: bytes) -> ChatResponse:
        return replace(super().parse_response(body), model="other")


class Endless(ChatDialect):
    """Finds no end."""

    terminal_hints: ClassVar[tuple[bytes, ...]] = ()


def held(dialect: Dialect, one: Recorded, law: str) -> Callable[[], None]:
    case = Case(dialect, one, lambda tree: tree, lambda tree: tree)
    return lambda: next(each for each in LAWS if each.id == law).hold(case)


@pytest.mark.parametrize(
    ("dialect", "one", "law"),
    [
        (Forgets(), WHOLE, "requests-come-back"),
        (Renames(), WHOLE, "answers-come-back"),
        (Counts(), WHOLE, "answers-are-understood"),
        (TESTING_CHAT, evolve(WHOLE, expected=AnswerContent("No.")), "answers-are-understood"),
        (TESTING_CHAT, evolve(STREAM, expected=AnswerContent("No.")), "streams-are-understood"),
        (Endless(), STREAM, "streams-end"),
        (TESTING_CHAT, evolve(ERROR, expected=UpstreamFailure("Yes.")), "errors-are-understood"),
    ],
)
def test_a_broken_dialect_is_found(dialect: Dialect, one: Recorded, law: str) -> None:
    with pytest.raises(LawBrokenError, match=f"^{law}: .*"):
        held(dialect, one, law)()


def test_what_is_skipped_must_be_there() -> None:
    with pytest.raises(ValueError, match="called tpyo"):
        check_recorded(TESTING_CHAT, [WHOLE], skip={"tpyo": "it is a typing mistake"})
