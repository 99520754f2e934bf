"""Recorded answers, read by the official SDK of another vendor's client."""

import pytest
from tests.corpus import needs_corpus
from tests.translations import check_translations

pytestmark = [needs_corpus, pytest.mark.filterwarnings("ignore:Pydantic serializer")]

ITS_OWN = ("messages.*", "citations", "citations.document")

test_chat_clients_read_anthropics_answers = check_translations(
    "anthropic.messages", "chat", losses=ITS_OWN
)
test_responses_clients_read_anthropics_answers = check_translations(
    "anthropic.messages", "responses", losses=(*ITS_OWN, "citations.cited_text")
)
test_anthropics_sdk_reads_chat_completions = check_translations(
    "openai.chat",
    "anthropic",
    losses=("n", "audio", "refusals", "citations", "citations.span", "logprobs"),
)
test_anthropics_sdk_reads_responses = check_translations(
    "openai.responses", "anthropic", losses=(*ITS_OWN, "citations.span", "logprobs")
)
