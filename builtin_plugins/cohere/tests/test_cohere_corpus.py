"""Cohere's dialects against every recorded exchange with Cohere."""

import json

from tests.corpus import needs_corpus
from tests.recordings import recordings

from jackfield.testing.recorded import check_recorded
from jackfield_cohere.endpoints import CHAT, COUNT_TOKENS, EMBEDDINGS, RERANK

pytestmark = needs_corpus
CHATS = recordings("cohere_v2", "chat", "chat_stream")
VECTORS = recordings(None, "embeddings", provider="cohere")
RANKINGS = recordings(None, "rerank", provider="cohere")
COUNTS = recordings(None, "count_tokens", provider="cohere")

test_recorded_chats = check_recorded(CHAT, CHATS)
test_recorded_embeddings = check_recorded(EMBEDDINGS, VECTORS)
test_recorded_rankings = check_recorded(RERANK, RANKINGS)
test_recorded_counts = check_recorded(
    COUNT_TOKENS, COUNTS, skip={"requests-come-back": "a text is counted without its conversation"}
)


def test_recorded_texts_to_be_counted_come_back() -> None:
    for one in COUNTS:
        request = COUNT_TOKENS.parse_request(one.request, {})
        assert json.loads(COUNT_TOKENS.render_request(request).body) == one.request
        tokens = json.loads(one.answer)["tokens"]
        assert COUNT_TOKENS.parse_response(one.answer).input_tokens == len(tokens)


def test_recorded_vectors_count_what_is_billed() -> None:
    for one in VECTORS:
        if one.status == 200:
            usage = EMBEDDINGS.usage(one.answer)
            billed = json.loads(one.answer)["meta"]["billed_units"]
            assert usage is not None
            assert usage.input_tokens == billed["input_tokens"]
