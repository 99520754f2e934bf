"""The Responses API over a WebSocket: what each message names, texts, usage and errors."""

import json
from typing import Any

import pytest

from jackfield import Chunk, RateLimited
from jackfield.estimates import UNUSED
from jackfield.http import WEBSOCKET
from jackfield.messages import Usage
from jackfield.realtime import MESSAGES
from jackfield_openai.responses_socket import (
    RESPONSES_SOCKET,
    ResponsesSocketMeter,
    socket_endpoint,
)

TEXT = b"\x81\x00"


def message(**members: Any) -> bytes:
    return MESSAGES.with_data(TEXT, json.dumps(members).encode())


def ended(kind: str = "completed", **members: Any) -> bytes:
    used = {"input_tokens": 10, "output_tokens": 4, "input_tokens_details": {"cached_tokens": 2}}
    return message(type=f"response.{kind}", response={"output": [], "usage": used, **members})


def test_the_models_texts_are_found() -> None:
    def texts(**members: Any) -> list[str]:
        return [span.value for span in Chunk(message(**members), RESPONSES_SOCKET).texts()]

    assert texts(type="response.output_text.delta", delta="Hel") == ["Hel"]
    assert texts(type="response.output_text.done", text="Hello") == ["Hello"]
    assert texts(type="response.function_call_arguments.delta", delta="{") == []


@pytest.mark.parametrize("kind", ["completed", "incomplete", "failed"])
def test_the_usage_of_one_response_is_its_own(kind: str) -> None:
    meter = ResponsesSocketMeter()
    assert meter.usage() is UNUSED
    meter.feed(message(type="response.created", response={"usage": None}) + ended(kind))
    assert meter.usage() == Usage(10, 4, 2)


def test_the_responses_of_a_session_are_added_up_and_billed_one_by_one() -> None:
    meter = ResponsesSocketMeter()
    flex = ended(service_tier="flex")
    search = ended(output=[{"type": "web_search_call", "id": "w"}])
    for batch in (flex + ended(), search):
        meter.feed(batch)
    used = meter.usage()
    assert used is not None
    assert (used.input_tokens, used.output_tokens, used.cached_input_tokens) == (30, 12, 6)
    assert used.units == {"web_search": 1}
    tiers = [(bill.usage.input_tokens, bill.usage.service_tier) for bill in used.bills]
    assert tiers == [(10, "flex"), (10, None), (10, None)]
    assert [dict(bill.usage.units) for bill in used.bills] == [{}, {}, {"web_search": 1}]


def test_what_is_no_report_counts_nothing() -> None:
    meter = ResponsesSocketMeter()
    meter.feed(MESSAGES.with_data(TEXT, b'{"type": "response.completed", '))
    meter.feed(message(type="response.completed", response=7))
    meter.feed(message(type="response.output_text.delta", delta='"response.completed"'))
    assert meter.usage() is None


@pytest.mark.parametrize(
    ("tree", "lacks"),
    [
        ({"type": "response.create", "input": []}, True),
        ({"type": "response.create", "model": None}, True),
        ({"type": "response.create", "model": "m"}, False),
        ({"type": "response.steer"}, False),
        ([], False),
    ],
)
def test_a_request_without_a_model_needs_one(tree: Any, lacks: bool) -> None:
    assert (RESPONSES_SOCKET.model_needed(tree) == ("model",)) is lacks


def test_an_error_is_an_event_with_its_status() -> None:
    message = json.loads(RESPONSES_SOCKET.error_message(RateLimited("Slowly."), "req_1"))
    assert (message["type"], message["status"]) == ("error", 429)
    assert message["error"]["code"] == "rate_limited"


def test_the_endpoint_is_that_of_requests() -> None:
    endpoint = socket_endpoint("/v1")
    assert (endpoint.method, endpoint.path) == (WEBSOCKET, "/v1/responses")
    assert endpoint.dialect.peek({"type": "response.create", "model": "m"}, {}).model == "m"
