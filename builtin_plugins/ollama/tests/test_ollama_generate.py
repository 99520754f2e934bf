"""Requests of generations: prompts as conversations of one turn."""

from typing import Any

import msgspec
import pytest
from ollama._types import GenerateRequest as SdkRequest

from jackfield.dialects import installed
from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest, Message, Text, Tool
from jackfield_ollama.dialect import GenerateDialect

GENERATE = GenerateDialect()
PNG = "iVBORw0KGgoAAAANSUhEUg=="


def parsed(**members: Any) -> ChatRequest:
    return GENERATE.parse_request({"model": "m", "prompt": "Hi", **members}, {})


def again(request: ChatRequest) -> Any:
    return msgspec.json.decode(GENERATE.render_request(request).body)


@pytest.mark.parametrize(
    "members",
    [
        {"system": "Be kind", "images": [PNG], "stream": False, "options": {"num_predict": 3}},
        {"suffix": "}", "raw": True, "template": "{{ .Prompt }}", "keep_alive": 0},
        {"context": [1, 2], "think": True, "format": {"type": "object"}},
        {"system": "", "template": "", "context": [], "raw": False, "images": [], "format": ""},
        {"width": 512, "steps": 4},
    ],
)
def test_a_request_comes_back_as_it_was(members: dict[str, Any]) -> None:
    rendered = GENERATE.render_request(parsed(**members))
    assert msgspec.json.decode(rendered.body) == {"model": "m", "prompt": "Hi", **members}
    assert rendered.losses == ()


def test_a_prompt_is_a_conversation_for_others() -> None:
    rendered = installed("openai.chat").render_request(parsed(system="Be kind"))
    messages = msgspec.json.decode(rendered.body)["messages"]
    assert [message["content"] for message in messages] == ["Be kind", "Hi"]
    assert rendered.losses == ()


@pytest.mark.parametrize(
    ("members", "feature"),
    [
        ({"suffix": "}"}, "messages.suffix"),
        ({"raw": True}, "messages.raw"),
        ({"context": [1, 2]}, "conversation.server_state"),
    ],
)
def test_settings_of_ollama_alone_are_refused(members: dict[str, Any], feature: str) -> None:
    losses = installed("openai.chat").render_request(parsed(**members)).losses
    assert (feature, True) in [(loss.feature, loss.breaks) for loss in losses]


def test_a_prompt_that_is_empty_is_refused_elsewhere() -> None:
    with pytest.raises(InvalidRequest) as caught:
        parsed(prompt="")
    assert caught.value.param == "prompt"


def test_a_conversation_is_put_into_one_prompt() -> None:
    turns = [("system", "Be kind"), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye")]
    messages = tuple(Message(role, (Text(text),)) for role, text in turns)  # type: ignore[arg-type]
    rendered = GENERATE.render_request(ChatRequest("m", messages, (Tool("f"),)))
    wire = msgspec.json.decode(rendered.body)
    SdkRequest.model_validate(wire)
    assert (wire["system"], wire["prompt"]) == ("Be kind", "Hi\n\nHello\n\nBye")
    assert {loss.feature for loss in rendered.losses} == {"tools", "messages.conversation"}
