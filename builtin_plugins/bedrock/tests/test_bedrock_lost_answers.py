"""Losses of Converse's answers for clients of other vendors."""

import json
from typing import Any

import pytest

from jackfield.dialects import installed
from jackfield.events import PartAdded, StreamEvent
from jackfield.losses import lost_in_answer
from jackfield.messages import Opaque
from jackfield_bedrock.embeddings_cohere import CohereEmbeddingsDialect
from jackfield_bedrock.event_stream import encode_event

CONVERSE, CLAUDE = installed("bedrock.converse"), installed("anthropic.messages")
TRACE: dict[str, Any] = {"guardrail": {"inputAssessment": {"g": {"topicPolicy": {}}}}}
COUNTS = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}


def streamed(*events: tuple[str, dict[str, Any]]) -> list[StreamEvent]:
    parser = CONVERSE.stream_parser()
    return [
        event
        for kind, payload in events
        for event in parser.feed(encode_event(kind, json.dumps(payload).encode()))
    ]


@pytest.mark.parametrize(
    ("members", "features"),
    [
        ({"trace": TRACE}, ["trace"]),
        ({"serviceTier": {"type": "flex"}}, ["serviceTier"]),
        ({"serviceTier": {"type": "default"}, "performanceConfig": {"latency": "optimized"}}, []),
    ],
)
def test_what_a_guardrail_found_is_lost_whole_and_streamed(
    members: dict[str, Any], features: list[str]
) -> None:
    metadata = {"usage": COUNTS, "metrics": {"latencyMs": 5}, **members}
    output = {"message": {"role": "assistant", "content": [{"text": "a"}]}}
    body = json.dumps({"output": output, "stopReason": "end_turn", **metadata}).encode()
    events = streamed(("messageStop", {"stopReason": "end_turn"}), ("metadata", metadata))
    names = [f"bedrock.converse.{one}" for one in features]
    whole = lost_in_answer(CONVERSE.parse_response(body), CONVERSE, CLAUDE)
    assert [one.feature for one in whole] == names
    found = [one for event in events for one in lost_in_answer(event, CONVERSE, CLAUDE)]
    assert [one.feature for one in found] == names


def test_an_image_that_failed_is_no_empty_image() -> None:
    failed = {"image": {"error": {"message": "Content was blocked."}}}
    events = streamed(
        ("messageStart", {"role": "assistant"}),
        ("contentBlockStart", {"contentBlockIndex": 0, "start": {"image": {"format": "png"}}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": failed}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
    )
    added = events[-1]
    assert isinstance(added, PartAdded)
    assert isinstance(added.value, Opaque)
    assert (added.value.kind, added.value.value["deltas"]) == ("image", [failed])


@pytest.mark.parametrize(("members", "features"), [({}, []), ({"images": [1]}, ["images"])])
def test_what_repeats_a_request_for_vectors_is_not_lost(
    members: dict[str, Any], features: list[str]
) -> None:
    echo = {"id": "x", "response_type": "embeddings_by_type", "texts": ["a"]}
    body = json.dumps({"embeddings": {"float": [[0.5]]}, **echo, **members}).encode()
    dialect = CohereEmbeddingsDialect()
    answer = dialect.parse_response(body)
    lost = lost_in_answer(answer, dialect, installed("openai.embeddings"))
    assert [loss.feature for loss in lost] == [f"{dialect.name}.{name}" for name in features]
