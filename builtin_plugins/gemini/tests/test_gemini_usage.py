"""Counts of tokens, read from `usageMetadata` and written to it."""

from typing import Any

import msgspec
import pytest
from google.genai import types

from jackfield import sse
from jackfield.events import Ended, Started, UsageReported
from jackfield.messages import ChatRequest, ChatResponse, Choice, Message, Text, Usage
from jackfield_gemini.endpoints import GENERATE, RESOURCE

REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), stream=True, include_usage=True)
CHOICES = (Choice(Message("assistant", (Text("a"),)), "stop"),)


def rendered(usage: Usage) -> Any:
    body = GENERATE.render_response(ChatResponse("r", "m", CHOICES, usage), REQUEST).body
    types.GenerateContentResponse.model_validate_json(body)
    return msgspec.json.decode(body)["usageMetadata"]


def test_usage_counts_thoughts_as_output_and_back() -> None:
    usage = Usage(10, 7, cached_input_tokens=4, reasoning_tokens=5, audio_input_tokens=2)
    assert rendered(usage) == {
        "promptTokenCount": 10,
        "candidatesTokenCount": 2,
        "thoughtsTokenCount": 5,
        "totalTokenCount": 17,
        "cachedContentTokenCount": 4,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 8},
            {"modality": "AUDIO", "tokenCount": 2},
        ],
    }


def test_usage_is_detailed_by_modality() -> None:
    usage = Usage(10, 7, 5, image_input_tokens=6, cached_image_tokens=5, image_output_tokens=7)
    metadata = rendered(usage)
    assert metadata["promptTokensDetails"] == [
        {"modality": "TEXT", "tokenCount": 4},
        {"modality": "IMAGE", "tokenCount": 6},
    ]
    assert metadata["cacheTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 5}]
    assert metadata["candidatesTokensDetails"] == [{"modality": "IMAGE", "tokenCount": 7}]


def test_tokens_written_to_a_cache_have_no_place_and_are_named() -> None:
    usage = Usage(10, 7, cache_write_tokens=4)
    response = ChatResponse("r", "m", CHOICES, usage)
    losses = GENERATE.render_response(response, REQUEST).losses
    assert [loss.feature for loss in losses] == ["usage.cache_write"]
    renderer = GENERATE.stream_renderer(REQUEST)
    for event in (Started("r", "m"), UsageReported(usage), Ended()):
        renderer.render(event)
    assert list(losses) == renderer.losses


def test_searches_that_cannot_be_read_are_not_counted() -> None:
    searched = {"groundingMetadata": {"webSearchQueries": None}}
    body = {"candidates": [searched], "usageMetadata": {"promptTokenCount": 3}}
    usage = GENERATE.usage(msgspec.json.encode(body))
    assert usage is not None
    assert (usage.input_tokens, usage.units) == (3, {})


@pytest.mark.parametrize(
    ("found", "units"),
    [
        ({"webSearchQueries": ["", "a", "b", "a"]}, {"web_search": 2}),
        ({"webSearchQueries": [""]}, {}),
        ({"groundingChunks": [{"web": {"uri": "u"}}, {"maps": {"uri": "u"}}]}, {"maps": 1}),
        ({"groundingChunks": [{"web": {"uri": "u"}}, 7]}, {}),
    ],
)
def test_searches_count_once_and_places_count_for_the_whole_answer(
    found: dict[str, Any], units: dict[str, int]
) -> None:
    used: dict[str, Any] = {"candidates": [{}], "usageMetadata": {"promptTokenCount": 3}}
    grounded = {"candidates": [{"groundingMetadata": found}], "modelVersion": "gemini-3-flash"}
    usage = GENERATE.usage(msgspec.json.encode({**used, **grounded}))
    meter = GENERATE.usage_meter()
    empty: dict[str, Any] = {"candidates": [{"groundingMetadata": {}}]}
    for event in (grounded, empty, used):
        meter.feed(sse.encode(msgspec.json.encode(event)))
    for counted in (usage, meter.usage()):
        assert counted is not None
        assert (counted.input_tokens, counted.units) == (3, units)


def test_nesting_without_end_is_no_usage() -> None:
    deep = b"[" * 1_000_000 + b"]" * 1_000_000
    with pytest.raises(ValueError, match="not a JSON object"):
        GENERATE.usage(b'{"candidates":' + deep + b"}")
    meter = GENERATE.usage_meter()
    meter.feed(b'data: {"usageMetadata":' + deep + b"}\n\n")
    assert meter.usage() is None


def test_tokens_of_tool_results_are_input() -> None:
    metadata = {
        "promptTokenCount": 10,
        "toolUsePromptTokenCount": 700,
        "toolUsePromptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}],
        "candidatesTokenCount": 4,
        "totalTokenCount": 714,
    }
    body = msgspec.json.encode({"candidates": [], "usageMetadata": metadata})
    usage = GENERATE.usage(body)
    assert usage is not None
    assert (usage.input_tokens, usage.total_tokens, usage.audio_input_tokens) == (710, 714, 3)
    assert rendered(usage) == metadata


def test_googles_endpoint_of_openais_form_counts_thoughts_in_the_total() -> None:
    used = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 20}
    body = msgspec.json.encode({"choices": [], "usage": used})
    meter = RESOURCE.usage_meter()
    meter.feed(sse.encode(body) + b"data: [DONE]\n\n")
    for usage in (RESOURCE.usage(body), meter.usage()):
        assert usage is not None
        counted = (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens)
        assert counted == (9, 11, 7)


def test_an_interaction_counts_by_kind_and_what_it_searched() -> None:
    used = {
        "total_input_tokens": 30,
        "total_output_tokens": 4,
        "total_thought_tokens": 6,
        "total_tool_use_tokens": 5,
        "input_tokens_by_modality": [{"modality": "audio", "tokens": 20}],
        "output_tokens_by_modality": [{"modality": "image", "tokens": 3}],
        "grounding_tool_count": [{"type": "google_search", "count": 2}],
    }
    usage = RESOURCE.usage(msgspec.json.encode({"id": "i", "usage": used}))
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (35, 10, 6)
    assert (usage.audio_input_tokens, usage.image_output_tokens) == (20, 3)
    assert usage.units == {"web_search": 2}
