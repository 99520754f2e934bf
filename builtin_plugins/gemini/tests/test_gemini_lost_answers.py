"""What is named to clients of other vendors as missing from Gemini's answers."""

import json
from typing import Any

import pytest

from jackfield import sse
from jackfield.dialects import installed
from jackfield.events import StreamEvent
from jackfield.losses import lost_in_answer
from jackfield.messages import ChatRequest

GEMINI, CHAT = installed("gemini.generate_content"), installed("openai.chat")
NAME = "gemini.generate_content"
PARTS = {"content": {"role": "model", "parts": [{"text": "a"}]}, "index": 0}
RATINGS = [{"category": "HARM_CATEGORY_HARASSMENT", "probability": "LOW"}]
FETCHED = {"urlMetadata": [{"urlRetrievalStatus": "URL_RETRIEVAL_STATUS_ERROR"}]}
COUNTS = {"promptTokenCount": 1, "candidatesTokenCount": 2, "trafficType": "ON_DEMAND"}
PLAIN = {"avgLogprobs": -0.1, "finishReason": "STOP"}


def answer(candidate: dict[str, Any], **members: Any) -> bytes:
    members = {"usageMetadata": COUNTS, "modelVersion": "m", "responseId": "r", **members}
    candidates = [{**PARTS, **PLAIN, **candidate}] if candidate else []
    return json.dumps(
        {"candidates": candidates, "createTime": "2026-05-27T16:53:45Z"} | members
    ).encode()


def streamed(*elements: bytes) -> list[StreamEvent]:
    parser = GEMINI.stream_parser()
    events = [one for element in elements for one in parser.feed(b"data: " + element + b"\n\n")]
    return [*events, *parser.close()]


def lost(*answers: Any) -> set[str]:
    return {one.feature for each in answers for one in lost_in_answer(each, GEMINI, CHAT)}


@pytest.mark.parametrize(
    ("candidate", "members", "features"),
    [
        ({"safetyRatings": RATINGS}, {}, {"safetyRatings"}),
        ({"urlContextMetadata": FETCHED}, {}, {"urlContextMetadata"}),
        ({"groundingMetadata": {"webSearchQueries": ["q"]}}, {}, {"groundingMetadata"}),
        ({"finishMessage": "Malformed function call: f("}, {}, {"finishMessage"}),
        ({}, {"promptFeedback": {"blockReason": "SAFETY"}}, {"promptFeedback"}),
        ({"finishMessage": "Model generated function call(s)."}, {}, set()),
    ],
)
def test_members_without_a_place_in_the_answer_are_lost_whole_and_streamed(
    candidate: dict[str, Any], members: dict[str, Any], features: set[str]
) -> None:
    body = answer(candidate, **members)
    named = {f"{NAME}.{one}" for one in features}
    assert lost(GEMINI.parse_response(body)) == lost(*streamed(body)) == named


def test_a_member_of_any_element_is_lost_and_comes_back_in_geminis_own_stream() -> None:
    feedback = {"promptFeedback": {"safetyRatings": RATINGS}}
    events = streamed(answer({}, **feedback), answer({"index": 0}, modelHealth={"load": 1}))
    assert lost(*events) == {f"{NAME}.promptFeedback", f"{NAME}.modelHealth"}
    renderer = GEMINI.stream_renderer(ChatRequest("m", ()))
    *_, last = sse.split(b"".join(map(renderer.render, events)))
    members = json.loads(sse.data_of(last) or b"")
    assert (members["modelHealth"], members["promptFeedback"]) == (
        {"load": 1},
        feedback["promptFeedback"],
    )
