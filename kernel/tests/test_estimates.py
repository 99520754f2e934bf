"""What an exchange is billed for, once it is over."""

from typing import Any

import msgspec
import pytest

from jackfield._tap import Tap
from jackfield.dialects import installed
from jackfield.endpoints import Endpoint
from jackfield.estimates import settled_usage
from jackfield.exchange import Exchange, Request
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.response import Attempt, Outcome

BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def exchange_with(dialect: str = "openai.chat", operation: str = "chat", **body: Any) -> Exchange:
    data = msgspec.json.encode(body or BODY)
    endpoint = Endpoint("POST", "/x", installed(dialect), operation, "inference")
    request = Request("POST", "/x", "", {}, data, {}, "")
    exchange = Exchange("r", endpoint, endpoint.dialect, request, "m", stream=False)
    exchange.attempts.append(Attempt(Target("up", "m"), 0.1))
    exchange.tap = Tap.known(None)
    return exchange


def test_what_a_provider_has_reported_holds() -> None:
    outcome = Outcome("answered", 200, usage=Usage(3, 5), usage_complete=True)
    assert settled_usage(exchange_with(), outcome) == (Usage(3, 5), "reported")


def test_a_cut_stream_has_used_a_token_for_each_event_that_had_come() -> None:
    exchange = exchange_with()
    outcome = Outcome("truncated", 200, events=7)
    input_tokens = len(exchange.request.body) // 4 + 1
    assert settled_usage(exchange, outcome) == (Usage(input_tokens, 7), "estimated")


def test_what_a_cut_stream_had_reported_is_kept() -> None:
    outcome = Outcome("client_gone", 200, usage=Usage(25, 1, cached_input_tokens=20), events=9)
    assert settled_usage(exchange_with(), outcome) == (
        Usage(25, 9, cached_input_tokens=20),
        "estimated",
    )


@pytest.mark.parametrize("kind", ["failed", "refused"])
def test_what_failed_before_an_answer_has_used_nothing(kind: Any) -> None:
    assert settled_usage(exchange_with(), Outcome(kind, 503)) == (Usage(), "reported")


def test_an_answer_from_a_cache_has_used_nothing() -> None:
    exchange = exchange_with()
    exchange.tap = None
    assert settled_usage(exchange, Outcome("answered", 200)) == (Usage(), "reported")


def test_speech_is_billed_by_its_letters() -> None:
    exchange = exchange_with(
        "openai.resource", "audio", model="tts-1", voice="alloy", input="Hello"
    )
    usage, basis = settled_usage(exchange, Outcome("answered", 200))
    assert (usage.units, basis) == ({"characters": 5}, "estimated")


def test_images_are_billed_by_their_number() -> None:
    exchange = exchange_with("openai.resource", "images", model="m", prompt="A cat", n=3)
    assert settled_usage(exchange, Outcome("answered", 200))[0].units == {"image": 3}


def test_what_is_only_looked_up_is_not_billed_again() -> None:
    exchange = exchange_with("openai.resource", "batches", model="m")
    outcome = Outcome("answered", 200, usage=Usage(3, 5), usage_complete=True)
    assert settled_usage(exchange, outcome) == (Usage(), "reported")
