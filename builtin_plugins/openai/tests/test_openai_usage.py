"""The usage that answers report besides the tokens of the requested model."""

from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.dialects import installed
from jackfield.messages import Bill, Usage
from jackfield.plan import Target
from jackfield.prices import PriceBook
from jackfield.rates import IMAGE_TOOL

CHAT, RESPONSES = installed("openai.chat"), installed("openai.responses")
PARTS = {
    "models": [
        {"model": "a", "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}},
        {"model": "b", "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}},
    ]
}
BILLS = (Bill(Usage(3, 1), "a"), Bill(Usage(5, 2), "b"))
SEARCHED = Bill(Usage(units={"web_search": 1}))


def answered(message: dict[str, Any], **more: Any) -> Usage:
    used = {"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11}
    body = {"choices": [{"message": message}], "usage": used, **more}
    usage = CHAT.usage(msgspec.json.encode(body))
    assert usage is not None
    return usage


def responded(**answer: Any) -> Usage:
    used = {"input_tokens": 8, "output_tokens": 3, "total_tokens": 11}
    usage = RESPONSES.usage(msgspec.json.encode({"usage": used, **answer}))
    assert usage is not None
    return usage


def test_each_model_of_a_system_is_billed() -> None:
    usage = answered({"content": "Hi"}, usage_breakdown=PARTS)
    assert (usage.input_tokens, usage.output_tokens, usage.bills) == (8, 3, BILLS)


def test_tools_of_a_system_are_billed_besides_and_have_no_price() -> None:
    tools = [{"type": "search", "arguments": "{}"}]
    usage = answered({"content": "Hi", "executed_tools": tools}, usage_breakdown=PARTS)
    assert usage.bills == (*BILLS, SEARCHED)
    assert PriceBook().cost(Target("groq", "groq/compound"), usage).missing


@pytest.mark.parametrize("parts", [7, {}, {"models": None}, {"models": [7]}])
def test_a_breakdown_that_cannot_be_read_bills_no_model(parts: Any) -> None:
    assert answered({"content": "Hi"}, usage_breakdown=parts).bills == ()


def test_the_end_of_a_stream_reports_the_models_of_a_system_and_leaves_its_tools_open() -> None:
    used = {"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11}
    reported = {"choices": [], "x_groq": {"usage": used, "usage_breakdown": PARTS}}
    meter = CHAT.usage_meter()
    meter.feed(sse.encode(msgspec.json.encode(reported)))
    usage = meter.usage()
    assert usage is not None
    assert usage.bills == (*BILLS, SEARCHED)


@pytest.mark.parametrize(
    ("more", "nano"),
    [
        ({"cost": 0.5}, 500_000_000),
        ({"cost": 0, "is_byok": True, "cost_details": {"upstream_inference_cost": 0.2}}, 2 * 10**8),
        ({"cost": 0.1, "is_byok": True, "cost_details": {"upstream_inference_cost": None}}, None),
        ({"cost": 0.1, "is_byok": True}, 10**8),
        ({"cost": 0.1, "is_byok": False, "cost_details": {"upstream_inference_cost": 9}}, 10**8),
    ],
)
def test_what_a_vendor_bills_to_a_key_of_ones_own_is_part_of_the_cost(
    more: dict[str, Any], nano: int | None
) -> None:
    used = {"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11, **more}
    usage = CHAT.usage(msgspec.json.encode({"choices": [], "usage": used}))
    assert usage is not None
    assert usage.cost == nano


def test_images_whose_tokens_are_not_reported_have_no_price() -> None:
    usage = responded(output=[{"type": "image_generation_call"}, {"type": "message"}])
    assert usage.bills == (Bill(Usage(8, 3)), Bill(Usage(units={"image": 1}), IMAGE_TOOL))
    assert PriceBook().cost(Target("openai", "gpt-5"), usage).missing


def test_only_searches_count_among_the_calls_for_one() -> None:
    actions = ("search", "open_page", "find_in_page", "search")
    calls = [{"type": "web_search_call", "action": {"type": action}} for action in actions]
    assert responded(output=calls).units == {"web_search": 2}
    reported = {"web_search": {"num_requests": 3}}
    assert responded(output=calls, tool_usage=reported).units == {"web_search": 3}


def test_a_shell_runs_in_a_container_too() -> None:
    place = {"type": "container_reference", "container_id": "cntr_1"}
    code = {"type": "code_interpreter_call", "container_id": "cntr_2"}
    usage = responded(output=[{"type": "shell_call", "environment": place}, code, code])
    assert usage.units == {"code_execution": 2}


def test_code_that_did_not_run_needs_no_container() -> None:
    tools = [{"type": "code_interpreter", "container": {"type": "auto", "memory_limit": "4g"}}]
    assert responded(output=[], tools=tools).units == {}
