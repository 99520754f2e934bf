"""What is reserved for a request that is rare: at least what its provider then bills."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from jackfield.dialects import installed
from jackfield.endpoints import Endpoint
from jackfield.exchange import Exchange, Request
from jackfield.messages import Bill, Usage
from jackfield.plan import Target
from jackfield.prices import PriceBook
from jackfield.rates import AUDIO

LIMIT = 1_000
HELLO = [{"role": "user", "content": "Hello"}]
LONG = [{"role": "user", "content": "x" * 100_000}]
SOUND = {"type": "input_audio", "input_audio": {"data": "A" * 2_000_000, "format": "mp3"}}
HOUR = 3_600_000
KEPT = {"type": "text", "text": "x" * 10_000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}


def opened(
    dialect: str,
    data: bytes,
    operation: str = "chat",
    headers: Mapping[str, str] = {"content-type": "application/json"},
) -> Exchange:
    source, params = installed(dialect), {"model": "m"}
    media = headers["content-type"]
    is_json = media == "application/json"
    tree = msgspec.json.decode(data) if is_json else None
    peek = source.peek(tree, params) if is_json else source.peek_form(data, media, params)
    endpoint = Endpoint("POST", "/x", source, operation, "inference")
    request = Request("POST", "/x", "", headers, data, params, "")
    return Exchange("r", endpoint, source, request, peek.model, peek.stream, peek.max_tokens)


def form(*fields: tuple[str, bytes], boundary: str = "b", operation: str = "audio") -> Exchange:
    parts = [
        b'--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        % (boundary.encode(), name.encode(), b'; filename="a"' * (name == "file"), value)
        for name, value in fields
    ]
    data = b"".join(parts) + b"--%s--\r\n" % boundary.encode()
    media = {"content-type": f"multipart/form-data; boundary={boundary}"}
    return opened("openai.resource", data, operation, media)


def is_reserved(exchange: Exchange, model: str, usage: Usage) -> bool:
    book, (provider, _, name) = PriceBook(), model.partition("/")
    target = Target(provider, name)
    bound, cost = book.bound(exchange, target), book.cost(target, usage)
    assert not cost.missing
    assert cost.nano > 0
    tokens = usage.input_tokens <= bound.input_tokens, usage.output_tokens <= bound.output_tokens
    return bound.nano is not None and cost.nano <= bound.nano and all(tokens)


@pytest.mark.parametrize(
    ("model", "body", "usage"),
    [
        ("openai/gpt-4.1", {"prediction": {"content": "word " * 2000}}, Usage(100, 1500)),
        (
            "mistral/voxtral-small-latest",
            {"messages": [{"role": "user", "content": [SOUND]}]},
            Usage(30, 10, units={AUDIO: 375_000}),
        ),
        (
            "openrouter/openai/gpt-4.1-nano",
            {"models": ["openai/gpt-5-pro"]},
            Usage(10, LIMIT, cost=120_000_000),
        ),
        ("openai/gpt-5", {"service_tier": "flex"}, Usage(2000, 100, service_tier="default")),
        (
            "openai/gpt-4o-audio-preview",
            {"modalities": ["text", "audio"], "audio": {}},
            Usage(20, LIMIT, audio_output_tokens=LIMIT),
        ),
    ],
)
def test_a_chat_is_billed_at_most_its_reserve(
    model: str, body: dict[str, Any], usage: Usage
) -> None:
    data = msgspec.json.encode({"model": "m", "messages": HELLO, "max_tokens": LIMIT, **body})
    assert is_reserved(opened("openai.chat", data), model, usage)


@pytest.mark.parametrize(
    ("model", "body", "usage"),
    [
        # The prompt that OpenAI keeps may be long, and have tools.
        ("gpt-4.1-mini", {"prompt": {"id": "pmpt_1"}}, Usage(500_000, 100)),
        ("gpt-4.1-mini", {"prompt": {"id": "pmpt_1"}}, Usage(2_000, 100, units={"web_search": 8})),
        (
            "o3-deep-research",
            {"input": "Hi", "tools": [{"type": "web_search_preview"}]},
            Usage(1000, LIMIT, units={"web_search": 80}),
        ),
        (
            "gpt-5-mini",
            {"input": "draw", "tools": [{"type": "image_generation"}]},
            Usage(2000, 300, bills=(Bill(Usage(2000, 300)), Bill(Usage(500, 6240), "gpt-image-1"))),
        ),
    ],
)
def test_a_response_is_billed_at_most_its_reserve(
    model: str, body: dict[str, Any], usage: Usage
) -> None:
    data = msgspec.json.encode({"model": "m", "max_output_tokens": LIMIT, **body})
    assert is_reserved(opened("openai.responses", data), f"openai/{model}", usage)


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        (
            {"messages": LONG, "context_management": {"edits": [{"type": "compact_20260112"}]}},
            Usage(130_000, 3_000),
        ),
        ({"thread": {"previous_message_id": "msg_1"}}, Usage(190_000, 10)),
        ({"speed": "fast", "inference_geo": "us"}, Usage(50, LIMIT, service_tier="us_fast")),
        (
            {"messages": [{"role": "user", "content": [KEPT]}]},
            Usage(11_500, 10, cache_write_tokens=11_500, cache_write_1h_tokens=11_500),
        ),
    ],
)
@pytest.mark.parametrize("escaped", [False, True])
def test_a_message_is_billed_at_most_its_reserve_however_it_is_written(
    body: dict[str, Any], usage: Usage, escaped: bool
) -> None:
    data = msgspec.json.encode({"model": "m", "max_tokens": LIMIT, "messages": HELLO, **body})
    if escaped:
        for plain, written in ((b'1h"', b'1\\u0068"'), (b'"speed"', b'"\\u0073peed"')):
            data = data.replace(plain, written)
    exchange = opened("anthropic.messages", data)
    assert is_reserved(exchange, "anthropic/claude-opus-5", usage)


@pytest.mark.parametrize(
    "address", ["https://example.com/a.pdf", "HTTPS://example.com/a.pdf", "h\\u0074tps://e.com/a"]
)
def test_a_document_that_is_elsewhere_may_have_many_pages(address: str) -> None:
    data = b'{"model":"m","document":{"document_url":"%s"}}' % address.encode()
    exchange = opened("mistral.resource", data, "ocr")
    assert is_reserved(exchange, "mistral/mistral-ocr-latest", Usage(units={"page": 900}))


@pytest.mark.parametrize("field", ["file_url", "file_id", "url"])
def test_sound_that_is_elsewhere_may_last_long(field: str) -> None:
    exchange = form(("model", b"m"), (field, b"x"))
    assert is_reserved(exchange, "mistral/voxtral-mini-latest", Usage(units={AUDIO: HOUR}))


@pytest.mark.parametrize("count", [b"5", b" 05 ", b"+5", b"5.0"])
def test_each_image_that_a_form_asks_for_counts(count: bytes) -> None:
    exchange = form(("n", count), ("file", b"PNG"), operation="images")
    assert is_reserved(exchange, "bedrock/stability.sd3-5-large-v1:0", Usage(units={"image": 5}))


def test_of_a_field_that_comes_twice_the_larger_number_counts() -> None:
    for counts in ((b"1", b"5"), (b"5", b"1")):
        exchange = form(*(("n", count) for count in counts), operation="images")
        usage = Usage(units={"image": 5})
        assert is_reserved(exchange, "bedrock/stability.sd3-5-large-v1:0", usage)


def test_a_picture_of_few_bytes_may_have_many_tokens() -> None:
    exchange = form(("file", b"PNG"), operation="images")
    usage = Usage(6_000, 100, image_input_tokens=6_000)
    assert is_reserved(exchange, "openai/gpt-image-1", usage)


@pytest.mark.parametrize("boundary", ["b", "json"])
@pytest.mark.parametrize("noise", [b"\\u0073", b'x="http://ns.example.com/"', b'"file_id"'])
def test_an_upload_is_as_long_as_its_bytes_whatever_they_are(boundary: str, noise: bytes) -> None:
    exchange = form(("model", b"m"), ("file", noise + b"x" * 60_000), boundary=boundary)
    assert is_reserved(exchange, "openai/whisper-1", Usage(units={AUDIO: 60_000}))
    assert not is_reserved(exchange, "openai/whisper-1", Usage(units={AUDIO: HOUR}))


def test_a_form_names_no_models_to_choose_from() -> None:
    bound = PriceBook().bound(form(("file", b"x")), Target("openrouter", "openai/whisper-1"))
    assert bound.output_tokens > 0


@pytest.mark.parametrize("fewer", ["generationConfig", "generation_config"])
def test_answers_count_in_whichever_spelling_has_more(fewer: str) -> None:
    limit = {"maxOutputTokens": LIMIT}
    configs = {"generationConfig": {**limit}, "generation_config": {**limit}}
    for name, config in configs.items():
        config["candidateCount"] = 1 if name == fewer else 4
    body = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}], **configs}
    exchange = opened("gemini.generate_content", msgspec.json.encode(body))
    bound = PriceBook().bound(exchange, Target("gemini", "gemini-2.5-flash"))
    assert bound.output_tokens >= 4 * LIMIT
