"""What stands beside media and functions: carried to other vendors, or named as lost."""

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


def test_the_detail_of_an_image_is_not_sent_to_gemini() -> None:
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


CALL = {"functionCall": {"name": "f", "args": {}, "id": "c"}}
SPREAD = {"mimeType": "text/csv", "data": "AAAA"}
IMAGE = {"mimeType": "image/png", "data": "AAAA"}


@pytest.mark.parametrize(
    ("part", "member"),
    [
        ({"text": "a", "partMetadata": {"a": 1}}, "part.partMetadata"),
        ({"inlineData": SPREAD, "spreadsheetMetadata": {"sheetIndex": 1}}, "document.spreadsheet"),
        (
            {
                "inlineData": {**SPREAD, "mimeType": "image/png"},
                "mediaResolution": {"numTokens": 9},
            },
            "part.mediaResolution",
        ),
    ],
)
def test_members_of_any_part_are_named_elsewhere(part: dict[str, Any], member: str) -> None:
    lost = [loss.feature for loss in CHAT.render_request(read(part)).losses]
    assert any(one.startswith(f"gemini.generate_content.{member}") for one in lost)


def test_the_scheduling_of_a_result_is_named_elsewhere() -> None:
    response = {"name": "f", "id": "c", "response": {"a": 1}}
    result = {"functionResponse": {**response, "scheduling": "WHEN_IDLE", "willContinue": True}}
    contents = [{"role": "model", "parts": [CALL]}, {"role": "user", "parts": [result]}]
    request = GENERATE.parse_request({"contents": contents}, {"model": "m"})
    own = GENERATE.render_request(request)
    assert (msgspec.json.decode(own.body)["contents"], own.losses) == (contents, ())
    lost = {loss.feature for loss in CHAT.render_request(request).losses}
    names = ("result.scheduling", "result.willContinue")
    assert lost == {f"gemini.generate_content.{name}" for name in names}


def test_that_calls_must_match_their_schemas_is_named_elsewhere() -> None:
    config = {"functionCallingConfig": {"mode": "VALIDATED"}}
    functions = [{"functionDeclarations": [{"name": "f", "description": "d"}]}]
    request = read(tools=functions, toolConfig=config)
    lost = [loss.feature for loss in CHAT.render_request(request).losses]
    assert lost == ["gemini.generate_content.tool_choice.VALIDATED"]


def test_a_file_has_the_name_that_is_shown() -> None:
    data = {"mimeType": "application/pdf", "fileUri": "https://e.org/a", "displayName": "a.pdf"}
    part = read({"fileData": data}).messages[0].parts[0]
    assert isinstance(part, Document)
    assert part.name == "a.pdf"


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        ("https://e.org/a.png?size=1", "image/png"),
        ("gs://bucket/b.jpeg", "image/jpeg"),
        ("http://[127.0.0.1]/c.png", "image/png"),
        ("http://[", None),
    ],
)
def test_an_image_has_the_type_that_its_address_ends_in(url: str, media_type: str | None) -> None:
    request = ChatRequest("gemini-3-pro", (Message("user", (Image(url=url),)),))
    body = msgspec.json.decode(GENERATE.render_request(request).body)
    file = body["contents"][0]["parts"][0]["fileData"]
    assert (file["fileUri"], file.get("mimeType")) == (url, media_type)


def test_an_empty_system_message_is_left_out() -> None:
    request = ChatRequest("gemini-3-pro", (HI, Message("system", ())))
    rendered = GENERATE.render_request(request)
    assert (list(msgspec.json.decode(rendered.body)), rendered.losses) == (["contents"], ())
