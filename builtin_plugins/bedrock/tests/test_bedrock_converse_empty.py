"""Conversations with empty messages, which Bedrock refuses."""

import json
from typing import Any

from jackfield.messages import ChatRequest, Image, Message, Part, Text
from jackfield_bedrock.endpoints import CONVERSE


def render_messages(*messages: Message) -> tuple[Any, list[tuple[str, bool]]]:
    rendered = CONVERSE.render_request(ChatRequest("m", messages))
    return json.loads(rendered.body), [(loss.feature, loss.breaks) for loss in rendered.losses]


def user(*parts: Part) -> Message:
    return Message("user", parts)


def test_an_empty_user_message_becomes_a_dot() -> None:
    body, losses = render_messages(
        user(Text("")), Message("assistant", (Text("Hi"),)), user(Text("Go"))
    )
    assert body["messages"][0] == {"role": "user", "content": [{"text": "."}]}
    assert losses == [("messages.empty", False)]


def test_instructions_alone_are_sent_as_the_users() -> None:
    body, losses = render_messages(Message("system", (Text("Be kind"),)))
    assert body == {"messages": [{"role": "user", "content": [{"text": "Be kind"}]}]}
    assert losses == [("messages.system", False)]


def test_a_conversation_of_nothing_is_refused() -> None:
    assert render_messages()[1] == [("messages.empty", True)]


def test_what_is_missing_is_named_once() -> None:
    assert render_messages(user(Image(file_id="f")))[1] == [("images.file_id", True)]
    bitmap = Image(data="AA==", media_type="image/bmp")
    assert render_messages(user(bitmap))[1] == [("images.media_type", True)]
