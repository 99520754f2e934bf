"""Recorded traffic of each of OpenAI's dialects, translated into the other one."""

from tests.corpus import needs_corpus
from tests.score.answers import deliver
from tests.translations import answered, check_translations

from jackfield.dialects import installed

pytestmark = needs_corpus
CARRIED = {"message", "reasoning", "function_call", "custom_tool_call", "image_generation_call"}

LOST = {"n", "messages.audio", "citations.document", "citations.cited_text"}

test_responses_clients_read_chat_completions = check_translations(
    "openai.chat", "responses", losses=LOST
)
test_chat_clients_read_responses = check_translations(
    "openai.responses", "chat", losses=("messages.*", "citations", "images.output")
)


def test_what_chat_cannot_answer_is_named() -> None:
    for one in answered("openai.responses"):
        if not one.streams:
            kinds = {item["type"] for item in one.exchange.response["body"]["output"]}
            lost = deliver(one, installed("openai.chat")).losses
            assert {f"messages.{kind}" for kind in kinds - CARRIED} <= set(lost), one.id


def test_what_responses_cannot_answer_is_named() -> None:
    found = [one for one in answered("openai.chat") if not one.streams]
    lost = {name for one in found for name in deliver(one, installed("openai.responses")).losses}
    assert lost == LOST
