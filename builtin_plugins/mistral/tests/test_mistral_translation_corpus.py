"""Recorded traffic of Mistral and of others, translated into the other's dialect."""

import re
from typing import Any

import msgspec
from mistralai.client.models import (
    ChatCompletionRequest,
    ChatCompletionResponse,
    CompletionChunk,
    ThinkChunk,
)
from tests.corpus import exchanges, needs_corpus
from tests.score.answer import Answer
from tests.score.readers import chat
from tests.score.readers.types import json_events
from tests.translations import check_translations

from jackfield.dialects import installed
from jackfield_mistral.endpoints import CHAT as MISTRAL

pytestmark = needs_corpus
CHAT = installed("openai.chat")
SHORT = re.compile(r"[a-zA-Z0-9]{9}")


class MistralReader:
    """Reads answers with the types of the SDK, and as completions with thoughts set apart."""

    DIALECT = MISTRAL.name

    def read(self, body: bytes) -> Answer:
        """A whole answer."""
        ChatCompletionResponse.model_validate_json(body)
        tree = msgspec.json.decode(body)
        message = tree["choices"][0]["message"]
        assert all(SHORT.fullmatch(call["id"]) for call in message["tool_calls"] or ())
        message |= apart(message["content"])
        return chat.read(msgspec.json.encode(tree))

    def read_stream(self, wire: bytes) -> Answer:
        """A stream of chunks, of which the last with a choice has the usage."""
        chunks = list(json_events(wire))
        for chunk in chunks:
            CompletionChunk.model_validate(chunk)
            for choice in chunk["choices"]:
                choice["delta"] |= apart(choice["delta"].get("content"))
        assert chunks[-1]["choices"]
        assert wire.endswith(b"data: [DONE]\n\n")
        encoded = (b"data: %b\n\n" % msgspec.json.encode(chunk) for chunk in chunks)
        return chat.read_stream(b"".join(encoded) + b"data: [DONE]\n\n")


def apart(content: Any) -> dict[str, str]:
    """Text and thoughts of a content that may be a list of parts."""
    if not isinstance(content, list):
        return {"content": content or ""}
    thoughts = [one["text"] for part in content for one in part.get("thinking") or ()]
    texts = [part.get("text", "") for part in content]
    return {"content": "".join(texts), "reasoning_content": "".join(thoughts)}


test_chat_clients_read_mistrals_answers = check_translations("mistral.chat", "chat")
test_responses_clients_read_mistrals_answers = check_translations("mistral.chat", "responses")
test_mistrals_sdk_reads_chat_completions = check_translations(
    "openai.chat",
    MistralReader(),
    losses=("citations", "images.output", "finish_reason.content_filter"),
    harm=("audio", "refusals"),
)


def test_every_chat_request_can_be_sent_to_mistral() -> None:
    count = 0
    for exchange in exchanges("openai_chat"):
        if exchange.status != 200 or not isinstance(exchange.request_tree, dict):
            continue
        rendered = MISTRAL.render_request(CHAT.parse_request(exchange.request_tree, {}))
        tree = msgspec.json.decode(rendered.body)
        ChatCompletionRequest.model_validate(tree)
        ids = [m["tool_call_id"] for m in tree["messages"] if m["role"] == "tool"]
        assert all(SHORT.fullmatch(identity) for identity in ids)
        assert not {"max_completion_tokens", "seed", "stream_options", "user"} & tree.keys()
        count += 1
    assert count > 300


def test_the_sdk_knows_the_thoughts_of_others() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "x"}], "signature": "s"}
    assert ThinkChunk.model_validate(thought).signature == "s"
