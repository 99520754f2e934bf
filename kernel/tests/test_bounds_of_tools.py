"""Upper bounds of what is billed besides tokens, and of tokens that a request does not show."""

from typing import Any

import msgspec
import pytest

from jackfield.dialects import installed
from jackfield.endpoints import Endpoint
from jackfield.exchange import Exchange, Request
from jackfield.messages import Usage
from jackfield.plan import Target
from jackfield.prices import PriceBook
from jackfield.rates import IMAGE_TOOL

BOOK = PriceBook()


def opened(dialect: str, **body: Any) -> Exchange:
    source, data = installed(dialect), msgspec.json.encode(body)
    peek = source.peek(body, {"model": "m"})
    endpoint = Endpoint("POST", "/x", source, source.operation, "inference")
    request = Request("POST", "/x", "", {}, data, {"model": "m"}, "")
    return Exchange("r", endpoint, source, request, peek.model, peek.stream, peek.max_tokens)


def most(target: str, exchange: Exchange) -> int:
    provider, _, model = target.partition("/")
    nano = BOOK.bound(exchange, Target(provider, model)).nano
    assert nano is not None
    return nano


def cost(target: str, usage: Usage) -> int:
    provider, _, model = target.partition("/")
    found = BOOK.cost(Target(provider, model), usage)
    assert not found.missing
    return found.nano


def responses(*tools: dict[str, Any]) -> Exchange:
    return opened("openai.responses", model="m", input="Hi", max_output_tokens=16, tools=tools)


def test_many_inputs_are_longer_together_than_the_context_of_each() -> None:
    exchange = opened("openai.embeddings", model="m", input=["word " * 8000] * 30)
    model = "openai/text-embedding-3-small"
    assert most(model, exchange) >= cost(model, Usage(8000 * 30))


@pytest.mark.parametrize(
    "part", ["https://example.com/cat.png", "data:image/png;base64,iVBORw0KGgo="]
)
def test_an_image_among_embeddings_is_longer_than_its_bytes(part: str) -> None:
    content = [{"type": "image_url", "image_url": {"url": part}}]
    exchange = opened("cohere.embeddings", model="m", inputs=[{"content": content}] * 3)
    usage = Usage(30_000, image_input_tokens=30_000)
    assert most("cohere/embed-v4.0", exchange) >= cost("cohere/embed-v4.0", usage)


def test_the_query_of_a_ranking_is_read_with_each_document() -> None:
    query, documents = "word " * 1000, ["a"] * 500
    exchange = opened("openai.rerank", model="m", query=query, documents=documents)
    assert most("voyage/rerank-2.5", exchange) >= cost("voyage/rerank-2.5", Usage(1001 * 500))


@pytest.mark.parametrize("named", [{}, {"model": "gpt-image-1.5"}])
def test_images_that_a_tool_makes_are_bounded_by_the_rates_of_their_own_model(
    named: dict[str, str],
) -> None:
    model = "openai/gpt-5-nano"
    plain = most(model, responses({"type": "web_search"}))
    painting = most(model, responses({"type": "image_generation", **named}))
    made = Usage(500, 40_000, image_output_tokens=40_000)
    assert painting - plain >= 10 * cost(f"openai/{named.get('model', IMAGE_TOOL)}", made)


def test_images_of_a_model_without_a_price_have_no_bound() -> None:
    exchange = responses({"type": "image_generation", "model": "somebodys"})
    assert BOOK.bound(exchange, Target("openai", "gpt-5")).nano is None


def test_a_search_by_the_earlier_tool_costs_more_without_reasoning() -> None:
    now, before = (responses({"type": name}) for name in ("web_search", "web_search_preview"))
    assert most("openai/gpt-4.1", before) - most("openai/gpt-4.1", now) >= 10 * 15_000_000


def test_a_container_may_be_as_large_as_there_are() -> None:
    def asking(**limit: str) -> Exchange:
        container = {"type": "auto", **limit}
        return responses({"type": "code_interpreter", "container": container})

    small, large = asking(), asking(memory_limit="64g")
    assert most("openai/gpt-5", large) - most("openai/gpt-5", small) == 10 * 63 * 30_000_000


def test_servers_of_tools_may_be_called_besides_a_tool_with_a_limit() -> None:
    messages = [{"role": "user", "content": "Hello"}]
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}
    server = {"type": "url", "url": "https://tools.example.com", "name": "tools"}
    body: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": messages, "tools": [search]}
    alone = opened("anthropic.messages", **body)
    served = opened("anthropic.messages", **body, mcp_servers=[server])
    outputs = [
        BOOK.bound(one, Target("anthropic", "claude-opus-4-5")).output_tokens
        for one in (alone, served)
    ]
    assert outputs == [9 * 2, 9 * 11]


def test_optimized_latency_counts_although_only_a_header_may_ask_for_it() -> None:
    messages = [{"role": "user", "content": [{"text": "Hello"}]}]
    limit, tier = {"maxTokens": 100_000}, {"type": "flex"}
    exchange = opened(
        "bedrock.converse", messages=messages, inferenceConfig=limit, serviceTier=tier
    )
    usage = Usage(10, 100_000, service_tier="optimized")
    assert most("bedrock/us.amazon.nova-pro-v1:0", exchange) >= cost(
        "bedrock/us.amazon.nova-pro-v1:0", usage
    )


@pytest.mark.parametrize("tier", ["priority", "PRIORITY", "SERVICE_TIER_PRIORITY"])
def test_a_tier_counts_by_each_of_its_names(tier: str) -> None:
    contents = [{"role": "user", "parts": [{"text": "Hi"}]}]
    limit = {"maxOutputTokens": 10_000}
    exchange = opened(
        "gemini.generate_content", contents=contents, generationConfig=limit, serviceTier=tier
    )
    usage = Usage(10, 10_000, service_tier="priority")
    assert most("gemini/gemini-3.8-flash", exchange) >= cost("gemini/gemini-3.8-flash", usage)


def test_a_model_that_searches_unasked_reads_what_it_finds() -> None:
    messages = [{"role": "user", "content": "Hello"}]
    exchange = opened("openai.chat", model="gpt-5-search-api", messages=messages)
    assert most("openai/gpt-5-search-api", exchange) >= cost(
        "openai/gpt-5-search-api", Usage(30_000, 1000)
    )


@pytest.mark.parametrize(("limit", "calls"), [(3, 10), (40, 40), ("40", 10)])
def test_a_request_may_allow_more_calls_than_usual(limit: Any, calls: int) -> None:
    tools = [{"type": "web_search"}]
    body: dict[str, Any] = {"model": "m", "input": "Hi", "max_output_tokens": 16, "tools": tools}
    exchange = opened("openai.responses", **body, max_tool_calls=limit)
    found = BOOK.bound(exchange, Target("openai", "gpt-5"))
    assert found.output_tokens == 16 * (calls + 1)
