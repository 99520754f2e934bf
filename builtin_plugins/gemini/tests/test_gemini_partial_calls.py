"""Function calls whose arguments are streamed value by value."""

import json
from typing import Any

import pytest

from jackfield import sse
from jackfield.errors import ProviderError
from jackfield.events import Finished, StreamEvent, TextDelta, ToolCallDelta, ToolCallStarted
from jackfield_gemini.endpoints import GENERATE


def called(**members: Any) -> dict[str, Any]:
    return {"functionCall": members}


def value(path: str, *, more: bool = False, **given: Any) -> dict[str, Any]:
    return {"jsonPath": path, **given, **({"willContinue": True} if more else {})}


def parse(*parts: dict[str, Any]) -> list[StreamEvent]:
    parser = GENERATE.stream_parser()
    found: list[StreamEvent] = []
    for part in (*parts, {"text": ""}):
        candidate: dict[str, Any] = {"content": {"parts": [part], "role": "model"}}
        if part == {"text": ""}:
            candidate["finishReason"] = "STOP"
        chunk = {"candidates": [candidate], "responseId": "r", "modelVersion": "m"}
        found += parser.feed(sse.encode(json.dumps(chunk).encode()))
    return found


def arguments(*parts: dict[str, Any]) -> list[tuple[str, Any]]:
    events = parse(*parts)
    names = [event.name for event in events if isinstance(event, ToolCallStarted)]
    given = [json.loads(event.arguments) for event in events if isinstance(event, ToolCallDelta)]
    finish = next(event for event in events if isinstance(event, Finished))
    assert finish.reason == "tool_calls"
    return list(zip(names, given, strict=True))


def test_values_in_pieces_are_the_arguments_of_one_call() -> None:
    assert arguments(
        called(name="store", willContinue=True),
        called(partialArgs=[value("$.rows[0].id", more=True, stringValue="a")], willContinue=True),
        called(partialArgs=[value("$.rows[0].id", stringValue="b")], willContinue=True),
        called(partialArgs=[value("$.rows[1]['the id']", numberValue=2)], willContinue=True),
        called(partialArgs=[value("$.all", boolValue=True)], willContinue=True),
        called(partialArgs=[value("$.note", nullValue="NULL_VALUE")]),
    ) == [("store", {"rows": [{"id": "ab"}, {"the id": 2}], "all": True, "note": None})]


def test_a_value_that_was_complete_is_not_continued() -> None:
    first = called(name="f", partialArgs=[value("$.a", stringValue="x")], willContinue=True)
    assert arguments(first, called(partialArgs=[value("$.a", stringValue="y")])) == [
        ("f", {"a": "y"})
    ]


def test_a_call_ends_with_the_next_or_with_the_answer() -> None:
    first = called(name="f", partialArgs=[value("$.a", numberValue=1)], willContinue=True)
    then = called(name="g", args={"b": 2})
    last = called(name="h", willContinue=True)
    assert arguments(first, then, last) == [("f", {"a": 1}), ("g", {"b": 2}), ("h", {})]


def test_calls_in_pieces_have_ids_of_their_own_and_come_before_later_text() -> None:
    events = parse(called(name="f", willContinue=True), called(name="g"), {"text": "Done."})
    starts = [event for event in events if isinstance(event, ToolCallStarted)]
    assert len({start.id for start in starts}) == 2
    kinds = [type(event) for event in events if isinstance(event, ToolCallStarted | TextDelta)]
    assert kinds == [ToolCallStarted, ToolCallStarted, TextDelta]


def test_a_signature_stays_with_its_call() -> None:
    first = called(name="f", id="c", willContinue=True) | {"thoughtSignature": "c2ln"}
    whole = called(name="f", id="c", args={}) | {"thoughtSignature": "c2ln"}
    assert parse(first, called()) == parse(whole)


@pytest.mark.parametrize(
    "path", ["rows", "$", "$[0]", "$.rows[1]", "$.rows[99999999]", "$" + ".a" * 65, None]
)
def test_a_path_that_leads_nowhere_breaks_the_stream_off(path: Any) -> None:
    with pytest.raises(ProviderError):
        parse(called(name="f", partialArgs=[{"jsonPath": path, "numberValue": 1}]))
