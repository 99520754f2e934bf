"""What stands beside media and functions: told to other vendors, or named as lost."""

from typing import Any

import msgspec
import pytest

from jackfield.dialects import installed
from jackfield.messages import ChatRequest, Document, Image, Message, Text
from jackfield_gemini.endpoints import GENERATE

CHAT = installed("openai.chat")
HI = Message("user", (Text("hi"),))


def read(*parts: Any, **members: Any) -> ChatRequest:
    tree = {"contents": [{"role": "user", "parts": [*parts, {"text": "hi"}]}], **members}
    request = GENERATE.parse_request(tree, {"model": "m"})
    assert isinstance(request, ChatRequest)
    again = GENERATE.render_request(request)
    assert (msgspec.json.decode(again.body), again.losses) == (tree, ())
    return request


@pytest.mark.parametrize("where", ["inlineData", "fileData"])
def test_others_may_look_as_closely_at_an_image(where: str) -> None:
    of = {"data": "AAAA"} if where == "inlineData" else {"fileUri": "https://e.org/a.png"}
    level = {"level": "MEDIA_RESOLUTION_LOW"}
    image = {where: {"mimeType": "image/png", **of}, "mediaResolution": level}
    part = read(image).messages[0].parts[0]
    assert isinstance(part, Image)
    assert part.detail == "low"


def test_how_closely_gemini_looks_it_is_not_told() -> None:
    image = Message("user", (Image(data="AAAA", media_type="image/png", detail="low"),))
    losses = GENERATE.render_request(ChatRequest("gemini-3-pro", (image,))).losses
    assert [loss.feature for loss in losses] == ["images.detail"]


def test_a_document_has_the_name_that_is_shown() -> None:
    inline = {"mimeType": "application/pdf", "data": "AAAA", "displayName": "a.pdf"}
    part = read({"inlineData": inline}).messages[0].parts[0]
    assert isinstance(part, Document)
    assert part.name == "a.pdf"


def test_what_files_and_functions_alone_say_is_named_elsewhere() -> None:
    video = {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}, "videoMetadata": {"fps": 5}}
    function = {"name": "f", "description": "d", "behavior": "NON_BLOCKING"}
    request = read(video, tools=[{"functionDeclarations": [function]}])
    lost = [loss.feature for loss in CHAT.render_request(request).losses]
    names = ("document.videoMetadata", "function.behavior")
    assert {f"gemini.generate_content.{name}" for name in names} <= set(lost)


def test_a_system_that_says_nothing_is_left_out() -> None:
    asked = ChatRequest("gemini-3-pro", (HI, Message("system", ())))
    rendered = GENERATE.render_request(asked)
    assert (list(msgspec.json.decode(rendered.body)), rendered.losses) == (["contents"], ())
