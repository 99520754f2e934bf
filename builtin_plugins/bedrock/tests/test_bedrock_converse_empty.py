"""Conversations in which somebody says nothing, which Bedrock refuses."""

import json
from typing import Any

from jackfield.messages import ChatRequest, Image, Message, Part, Text
from jackfield_bedrock.endpoints import CONVERSE


def asked(*messages: Message) -> tuple[Any, list[tuple[str, bool]]]:
    rendered = CONVERSE.render_request(ChatRequest("m", messages))
    return json.loads(rendered.body), [(loss.feature, loss.breaks) for loss in rendered.losses]


def user(*parts: Part) -> Message:
    return Message("user", parts)


def test_a_user_who_says_nothing_says_a_dot() -> None:
    body, losses = asked(user(Text("")), Message("assistant", (Text("Hi"),)), user(Text("Go")))
    assert body["messages"][0] == {"role": "user", "content": [{"text": "."}]}
    assert losses == [("messages.empty", False)]


def test_what_the_system_says_alone_is_told_by_the_user() -> None:
    body, losses = asked(Message("system", (Text("Be kind"),)))
    assert body == {"messages": [{"role": "user", "content": [{"text": "Be kind"}]}]}
    assert losses == [("messages.system", False)]


def test_a_conversation_of_nothing_is_refused() -> None:
    assert asked()[1] == [("messages.empty", True)]


def test_what_is_missing_is_named_once() -> None:
    assert asked(user(Image(file_id="f")))[1] == [("images.file_id", True)]
