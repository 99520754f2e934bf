"""Recorded traffic of Google and of OpenAI, each translated into the other's dialect."""

from tests.corpus import needs_corpus
from tests.translations import check_translations

pytestmark = needs_corpus

OUT = ("messages.*", "citations", "citations.document", "images.output")
IN = (
    "messages.*",
    "citations",
    "citations.cited_text",
    "refusals",
    "audio",
    "audio.transcript",
    "usage.cache_write",
    "n",
)

test_chat_clients_read_googles_answers = check_translations(
    "gemini.generate_content", "chat", losses=OUT
)
test_responses_clients_read_googles_answers = check_translations(
    "gemini.generate_content", "responses", losses=OUT
)
test_googles_sdk_reads_chat_completions = check_translations("openai.chat", "gemini", losses=IN)
test_googles_sdk_reads_responses = check_translations("openai.responses", "gemini", losses=IN)
