"""The dialect against every recorded exchange of the Gemini API and of Vertex AI."""

import re
from typing import Any

import pytest
from tests.corpus import needs_corpus
from tests.recordings import recordings

from jackfield.messages import ChatRequest, ToolCall
from jackfield.testing.recorded import Recorded, check_recorded, events_of
from jackfield_gemini.endpoints import COUNT_TOKENS, EMBEDDINGS, GENERATE, GENERATE_ARRAY
from jackfield_gemini.fields import camel

pytestmark = needs_corpus
CHATS = recordings("gemini", "generate_content", "generate_content_stream")
STREAMS = [one for one in CHATS if one.streams]
ANSWERS = [one for one in CHATS if one.status == 200 and not one.streams]
WITH_AN_IMAGE = "gemini-embeddings-62c5777f3d"
PLAIN = ChatRequest("m", (), stream=True, include_usage=True)


def plain(value: Any) -> Any:
    """The JSON as Google reads it: null as absent, camel case, a lone object as an array of one."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    found = {camel(key): plain(item) for key, item in value.items() if item is not None}
    for key in ("contents", "tools"):
        if isinstance(found.get(key), dict):
            found[key] = [found[key]]
    for content in found.get("contents", ()):
        content.setdefault("role", "user")
    return found


test_recorded_chats = check_recorded(GENERATE_ARRAY, CHATS, plain_request=plain)
test_recorded_embeddings = check_recorded(
    EMBEDDINGS,
    [e for e in recordings("gemini", "embeddings", provider="gemini") if e.id != WITH_AN_IMAGE],
)
test_recorded_counts = check_recorded(
    COUNT_TOKENS, recordings("gemini", "count_tokens", provider="gemini")
)


@pytest.mark.parametrize("one", ANSWERS, ids=lambda one: str(one.id))
def test_calls_of_a_recorded_response_have_ids_of_their_own(one: Recorded) -> None:
    answers = [GENERATE.parse_response(one.answer) for _ in range(2)]
    ids, again = (
        [part.id for part in answer.choices[0].message.parts if isinstance(part, ToolCall)]
        for answer in answers
    )
    assert ids == again
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", identity) for identity in ids)


@pytest.mark.parametrize("one", STREAMS, ids=lambda one: str(one.id))
def test_a_recorded_stream_has_the_same_content_in_the_other_framing(one: Recorded) -> None:
    source = GENERATE_ARRAY.variant(one.params)
    target = GENERATE_ARRAY if source is GENERATE else GENERATE
    events = events_of(source, one.answer)
    renderer = target.stream_renderer(PLAIN)
    wire = b"".join(map(renderer.render, events))
    assert events_of(target, wire, 7) == events
    assert renderer.losses == []
