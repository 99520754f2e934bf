"""Upper bounds: nothing that can be billed is left out."""

from typing import Any

import msgspec
import pytest

from jackfield.bounds import MOST_INPUT, Bound
from jackfield.capabilities import Capabilities, ModelFacts
from jackfield.dialects import installed
from jackfield.endpoints import Endpoint
from jackfield.exchange import Exchange, Request
from jackfield.plan import Target
from jackfield.prices import Price, PriceBook
from jackfield.rates import Rates

HELLO = [{"role": "user", "content": "Hello"}]
SMALL = Capabilities(context_tokens=10_000, max_output_tokens=500)
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
LINKED = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
LETTER = {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=" * 10}}


def opened(dialect: str = "openai.chat", operation: str = "chat", **body: Any) -> Exchange:
    source, data = installed(dialect), msgspec.json.encode(body)
    peek = source.peek(body, {"model": "m"})
    endpoint = Endpoint("POST", "/x", source, operation, "inference")
    request = Request("POST", "/x", "", {}, data, {"model": "m"}, "")
    return Exchange("r", endpoint, source, request, peek.model, peek.stream, peek.max_tokens)


def bound(exchange: Exchange, able: Capabilities = Capabilities(), **price: Any) -> Bound:  # noqa: B008
    prices = {"own/*": Price(**price)} if price else {}
    return PriceBook(prices, facts=ModelFacts({"*": able})).bound(exchange, Target("own", "m"))


def chat(content: Any, **more: Any) -> Exchange:
    messages = [{"role": "user", "content": content}]
    return opened(model="m", max_tokens=100, messages=messages, **more)


def test_text_has_at_most_a_token_for_each_byte() -> None:
    exchange = chat("é" * 1000)
    assert 2000 < bound(exchange).input_tokens < 2000 + 100 + 2048 + 1


def test_an_answer_is_bounded_by_its_limit_or_else_by_the_model() -> None:
    assert bound(chat("Hello")).output_tokens == 100
    assert bound(opened(model="m", messages=HELLO), SMALL).output_tokens == 500


def test_each_of_several_answers_counts() -> None:
    assert bound(chat("Hello", n=3)).output_tokens == 300


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        ({"prompt": "Hello", "n": 3}, 3),
        ({"prompt": "Hello", "n": 3.0}, 3),
        ({"prompt": "Hello", "n": "3"}, 3),
        ({"prompt": "Hello", "n": " 3.0 ", "best_of": "many"}, 3),
        ({"prompt": "Hello", "best_of": 9, "n": 2}, 9),
        ({"prompt": ["a", "b", "c"], "n": 2}, 6),
        ({"prompt": [[1, 2], [3]]}, 2),
        ({"prompt": [1, 2, 3]}, 1),
    ],
)
def test_each_answer_to_each_prompt_counts(body: dict[str, Any], answers: int) -> None:
    exchange = opened("openai.completions", "completions", model="m", max_tokens=10, **body)
    assert bound(exchange).output_tokens == 10 * answers


@pytest.mark.parametrize("limit", [0, -1, -(10**9)])
def test_a_limit_below_1_is_none(limit: int) -> None:
    assert bound(opened(model="m", max_tokens=limit, messages=HELLO), SMALL).output_tokens == 500


@pytest.mark.parametrize("other", ["max_completion_tokens", "max_new_tokens", "n_predict"])
def test_of_several_limits_the_largest_counts(other: str) -> None:
    limits: dict[str, Any] = {"max_tokens": 400, other: 7}
    assert bound(opened(model="m", messages=HELLO, **limits)).output_tokens == 400
    limits = {"max_tokens": 7, other: 400}
    assert bound(opened(model="m", messages=HELLO, **limits)).output_tokens == 400


@pytest.mark.parametrize(
    "unread", [{"max_tokens": 400.0}, {"inferenceConfig": {"maxTokens": 400}}, {"max_gen_len": 400}]
)
def test_a_limit_that_a_model_is_handed_unread_counts(unread: dict[str, Any]) -> None:
    exchange = opened(
        "bedrock.converse",
        messages=[{"role": "user", "content": [{"text": "Hello"}]}],
        inferenceConfig={"maxTokens": 7},
        additionalModelRequestFields=unread,
    )
    assert bound(exchange).output_tokens == 400


@pytest.mark.parametrize("unread", ["text", ["max_tokens"], 7, {"max_tokens": "many"}])
def test_what_a_model_is_handed_may_have_any_form(unread: Any) -> None:
    more = {"max_tokens": 7, "additionalModelRequestFields": unread}
    assert bound(opened(model="m", messages=HELLO, **more)).output_tokens == 7


def test_nothing_is_longer_than_the_context() -> None:
    assert bound(chat("x" * 100_000), SMALL).input_tokens == 10_000


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("code-1, context-1m-2025-08-07", {}),
        ("", {"anthropic_beta": ["context-1m-2025-08-07"]}),
        ("", {"additionalModelRequestFields": {"anthropic_beta": ["context-1m-2025-08-07"]}}),
    ],
)
def test_a_beta_may_lengthen_the_context(header: str, body: dict[str, Any]) -> None:
    exchange = chat("a" * 20_000, **body)
    headers = {"anthropic-beta": header}
    exchange.request = msgspec.structs.replace(exchange.request, headers=headers)
    assert bound(exchange, SMALL).input_tokens > 20_000


@pytest.mark.parametrize("part", [PICTURE, LINKED])
def test_an_image_is_counted_by_what_it_can_be_not_by_its_bytes(part: Any) -> None:
    assert 50_000 < bound(chat([part])).input_tokens < 60_000


def test_a_document_is_counted_by_its_pages() -> None:
    assert bound(chat([LETTER])).input_tokens > 8_000


def test_what_only_the_provider_has_can_fill_the_longest_context() -> None:
    body: dict[str, Any] = {"model": "m", "input": "Hi", "previous_response_id": "resp_1"}
    assert bound(opened("openai.responses", **body)).input_tokens == MOST_INPUT


@pytest.mark.parametrize(
    "item",
    [
        {"type": "item_reference", "id": "msg_1"},
        {"id": "msg_1"},
        {"type": "reasoning", "id": "rs_1", "summary": []},
    ],
)
def test_an_earlier_item_that_is_named_by_its_id_can_fill_the_longest_context(item: Any) -> None:
    exchange = opened("openai.responses", model="m", max_output_tokens=9, input=[item])
    assert bound(exchange).input_tokens == MOST_INPUT
    own = {"role": "user", "id": "msg_2", "content": "Hello"}
    assert bound(opened("openai.responses", model="m", input=[own])).input_tokens < 3000


def test_a_prompt_that_the_provider_keeps_can_fill_the_longest_context() -> None:
    converse = installed("bedrock.converse")
    endpoint = Endpoint("POST", "/x", converse, "chat", "inference")
    arn = "arn:aws:bedrock:us-east-1:1:prompt/P"
    request = Request("POST", "/x", "", {}, b"{}", {"model": arn}, "")
    exchange = Exchange("r", endpoint, converse, request, arn, False, None)
    assert bound(exchange).input_tokens == MOST_INPUT


FILE = {"fileUri": "https://example.com/f", "mimeType": "audio/mp3"}
VIDEO = {"data": "A" * 40_000, "mimeType": "video/mp4"}
PDF = {"data": "A" * 40_000, "mimeType": "application/pdf"}


@pytest.mark.parametrize(
    ("part", "dollars"),
    [({"fileData": FILE}, 9), ({"inlineData": VIDEO}, 9), ({"inlineData": PDF}, 1)],
    ids=["file", "video", "pdf"],
)
def test_what_may_hold_sound_is_bounded_by_the_rate_of_sound(
    part: dict[str, Any], dollars: int
) -> None:
    contents = [{"role": "user", "parts": [part]}]
    exchange = opened("gemini.generate_content", contents=contents)
    found = bound(exchange, SMALL, input=1, audio_input=9, output=0)
    assert found.nano == found.input_tokens * dollars * 1000


def test_tools_of_the_provider_may_be_called_several_times() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}]
    body: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": HELLO, "tools": tools}
    found = bound(opened("anthropic.messages", **body), SMALL, input=1, output=1, web_search=1)
    assert (found.input_tokens, found.output_tokens) == (30_000, 300)
    assert found.nano == 2_000_000_000 + 30_300_000 // 1000 * 1000


def test_functions_are_text() -> None:
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    exchange = chat("Hello", tools=tools)
    assert bound(exchange).input_tokens < len(exchange.request.body) + 2049


def test_embeddings_have_no_output() -> None:
    exchange = opened("openai.embeddings", "embeddings", model="m", input="x")
    assert bound(exchange).output_tokens == 0


def test_a_ranking_is_billed_by_its_searches() -> None:
    body: dict[str, Any] = {"model": "m", "query": "q", "documents": ["d"] * 250}
    found = bound(opened("cohere.rerank", "rerank", **body), rerank_search=1)
    assert found.nano is not None
    assert found.nano >= 3_000_000_000


def test_the_dearest_rate_counts_that_the_request_can_reach() -> None:
    dear: dict[str, Rates] = {
        "priority": Rates(input=5),
        "above 1000": Rates(input=9),
        "batch": Rates(input=99),
    }
    found = bound(chat("Hello"), input=1, output=0, when=dear)
    assert found.nano == found.input_tokens * 9_000


def test_a_tier_that_is_named_is_the_only_one_besides_the_standard() -> None:
    dear: dict[str, Rates] = {"priority": Rates(input=5), "flex": Rates(input=2)}
    exchange = chat("Hello", service_tier="flex")
    found = bound(exchange, input=1, output=0, when=dear)
    assert found.nano == found.input_tokens * 2_000


def test_a_place_that_costs_more_counts_in_every_tier() -> None:
    dear: dict[str, Rates] = {"us": Rates(input=1.1), "us_fast": Rates(input=2.2)}
    assert (
        bound(chat("Hello"), input=1, output=0, when=dear).nano
        == 1_100 * bound(chat("Hello")).input_tokens
    )
    hurried = chat("Hello", speed="fast")
    found = bound(hurried, input=1, output=0, when=dear)
    assert found.nano == found.input_tokens * 2_200


def openrouted(*models: str) -> Bound:
    exchange = chat("Hello", models=list(models))
    return PriceBook().bound(exchange, Target("openrouter", "openai/gpt-4.1-nano"))


def test_of_models_among_which_a_provider_chooses_the_dearest_counts() -> None:
    dear = PriceBook().bound(chat("Hello"), Target("openrouter", "openai/gpt-5-pro"))
    assert (openrouted("openai/gpt-5-pro").nano or 0) >= (dear.nano or 0) > 0
    assert openrouted("openai/gpt-5-pro", "some/unknown").nano is None
    assert (openrouted().nano or 0) < (dear.nano or 0)


def test_a_cache_for_an_hour_counts_only_where_it_is_requested() -> None:
    turns: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    body: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": turns}
    rates: dict[str, Any] = {"input": 1, "output": 0, "cache_write": 1.25, "cache_write_1h": 2}
    plain = bound(opened("anthropic.messages", **body), **rates)
    turns[0]["content"][0]["cache_control"] = {"type": "ephemeral", "ttl": "1h"}
    kept = bound(opened("anthropic.messages", **body), **rates)
    assert plain.nano == plain.input_tokens * 1_250
    assert kept.nano == kept.input_tokens * 2_000


def test_without_a_price_there_is_no_cost() -> None:
    assert bound(chat("Hello")).nano is None


def test_a_request_that_was_changed_is_bounded_anew() -> None:
    exchange = opened(model="m", messages=HELLO)
    assert bound(exchange, SMALL).output_tokens == 500
    exchange.limit_output(7)
    assert bound(exchange, SMALL).output_tokens == 7


def test_tokens_that_cost_more_from_a_cache_are_bounded_by_that() -> None:
    found = bound(chat("Hello"), input=1, cached=2, output=0)
    assert found.nano == found.input_tokens * 2000


def test_a_retry_in_another_hour_is_bounded_by_the_price_of_that_hour() -> None:
    price = Price(input=1, output=1, when={"hours 1-4": Rates(input=9, output=9)})
    prices, exchange, target = PriceBook({"own/*": price}), chat("Hello"), Target("own", "m")
    before, after = [prices.bound(exchange, target, at=at).nano or 0 for at in (3599, 3600)]
    assert after == 9 * before


@pytest.mark.parametrize("operation", ["count_tokens", "files", "batches", "moderation"])
def test_what_nobody_bills_costs_nothing_even_without_a_price(operation: str) -> None:
    found = bound(opened("openai.chat", operation, model="m", messages=HELLO))
    assert (found.input_tokens, found.nano) == (0, 0)
