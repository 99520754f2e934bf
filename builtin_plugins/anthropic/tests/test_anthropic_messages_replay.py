"""Claude's thoughts of another platform, which Anthropic checks as its own."""

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from jackfield.messages import ChatRequest, Message, Reasoning, Text
from jackfield_anthropic.endpoints import MESSAGES

CONVERSE = {"bedrock.converse": {"$own": True}}


def sent(thought: Reasoning) -> tuple[Any, list[str]]:
    message = Message("assistant", (thought, Text("Yes.")))
    request = ChatRequest(
        "claude-opus-4-5", (Message("user", (Text("?"),)), message, Message("user", (Text("!"),)))
    )
    done = MESSAGES.render_request(request)
    content = msgspec.json.decode(done.body)["messages"][1]["content"]
    return content, [loss.feature for loss in done.losses]


def test_a_thought_signed_on_bedrock_is_sent_back() -> None:
    content, lost = sent(Reasoning("hm", signature="s", extensions=CONVERSE))
    assert content[0] == {"type": "thinking", "thinking": "hm", "signature": "s"}
    assert lost == []


def test_a_thought_encrypted_on_bedrock_is_sent_back() -> None:
    encrypted = b64encode(b"secret").decode()
    content, lost = sent(Reasoning(encrypted=encrypted, extensions=CONVERSE))
    assert content[0] == {"type": "redacted_thinking", "data": "secret"}
    assert lost == []


@pytest.mark.parametrize(
    "thought",
    [
        Reasoning("hm", extensions=CONVERSE),
        Reasoning("hm", encrypted="?", extensions=CONVERSE),
        Reasoning("hm", signature="s", extensions={"gemini.generate_content": {}}),
    ],
)
def test_a_thought_without_a_proof_of_claudes_is_lost(thought: Reasoning) -> None:
    content, lost = sent(thought)
    assert content == "Yes."
    assert lost == ["reasoning.replay"]
