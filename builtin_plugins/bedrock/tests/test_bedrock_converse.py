"""Converse, each behaviour by a small case."""

import json
from base64 import b64encode
from typing import Any

import pytest
from msgspec.structs import replace

from jackfield.dialects import Dialect, installed
from jackfield.errors import InvalidRequest, LossRefused, RateLimited
from jackfield.messages import (
    ChatRequest,
    ChatResponse,
    Choice,
    Document,
    Message,
    Opaque,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
)
from jackfield_bedrock.endpoints import CONVERSE

CHAT = installed("openai.chat")
PDF = "data:application/pdf;base64,AA=="
CLAUDE, OLDER = "us.anthropic.claude-opus-4-8", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
HI: list[Any] = [{"role": "user", "content": "hi"}]
USER_TURN: dict[str, Any] = {"role": "user", "content": [{"text": "hi"}]}
CONVERSATION: dict[str, Any] = {"messages": [USER_TURN]}
SPEC = "toolConfig.tools[0].toolSpec"
PLAIN = ChatRequest("m", (Message("user", (Text("hi"),)),))


def convert(model: str = "m", source: Dialect = CHAT, **members: Any) -> tuple[Any, list[str]]:
    """What a client's request becomes, and what it loses."""
    tree = {"model": model, "messages": HI, **members}
    rendered = CONVERSE.render_request(source.parse_request(tree, {}))
    return json.loads(rendered.body), [loss.feature for loss in rendered.losses]


def read(*content: Any, role: str = "user") -> ChatRequest:
    tree = {"messages": [{"role": role, "content": list(content)}]}
    request = CONVERSE.parse_request(tree, {"model": "m"})
    assert json.loads(CONVERSE.render_request(request).body) == tree
    assert isinstance(request, ChatRequest)
    return request


def answered(*parts: Any) -> Any:
    response = ChatResponse("", "", (Choice(Message("assistant", parts), "stop"),))
    wire = json.loads(CONVERSE.render_response(response, PLAIN).body)
    return wire["output"]["message"]["content"]


def again(content: Any) -> tuple[Any, ...]:
    """The parts that an answer has when the client sends it back."""
    tree = {"messages": [{"role": "assistant", "content": content}]}
    request = CONVERSE.parse_request(tree, {"model": "m"})
    assert isinstance(request, ChatRequest)
    return request.messages[0].parts


def test_results_of_tools_are_parted_from_the_users_words_and_joined_again() -> None:
    request = read(
        {"toolResult": {"toolUseId": "a", "content": [{"json": {"n": 1.0}}], "status": "error"}},
        {"toolResult": {"toolUseId": "b", "content": [{"text": "two"}], "status": "success"}},
        {"text": "And now?"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    )
    assert [message.role for message in request.messages] == ["tool", "user"]
    body = json.loads(CHAT.render_request(request).body)
    assert [m["content"] for m in body["messages"]] == ['{"n":1.0}', "two", "And now?"]


def test_messages_of_one_speaker_are_joined_unless_they_came_apart() -> None:
    turns = [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]
    body, _ = convert(messages=turns)
    assert body["messages"] == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]
    apart = {"messages": [{"role": "user", "content": [{"text": t}]} for t in "ab"]}
    request = CONVERSE.parse_request(apart, {"model": "m"})
    assert json.loads(CONVERSE.render_request(request).body) == apart


def test_a_system_prompt_that_comes_late_is_moved_to_the_beginning() -> None:
    body, losses = convert(messages=[*HI, {"role": "system", "content": "Be brief."}])
    assert body["system"] == [{"text": "Be brief."}]
    assert losses == ["messages.system"]


@pytest.mark.parametrize(
    "block",
    [
        {"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}},
        {"guardContent": {"image": {"format": "png", "source": {"bytes": "AA=="}}}},
        {"image": {"format": "webp", "source": {"bytes": "AA=="}, "error": {"message": "?"}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k.png"}}}},
        {"audio": {"format": "mp3", "source": {"bytes": "AA=="}}},
        {"video": {"format": "mp4", "source": {"bytes": "AA=="}}},
        {"video": {"format": "three_gp", "source": {"bytes": "AA=="}}},
        {"video": {"format": "odd", "source": {"bytes": "AA=="}}},
        {"video": {"format": "mkv", "source": {"s3Location": {"uri": "s3://b/k"}}}},
        {"document": {"name": "a_b", "source": {"bytes": "AA=="}}},
        {"document": {"name": "a", "format": "odd", "source": {"text": "x"}, "context": "c"}},
        {"document": {"name": "a", "source": {"content": [{"text": "x"}, {"text": "y"}]}}},
        {"document": {"name": "a", "format": "pdf", "source": {"s3Location": {"uri": "s3://b/k"}}}},
        {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": "AA=="}},
        {"reasoningContent": {"later": {}}},
        {"citationsContent": {"content": [{"text": "x"}], "citations": [{"title": "t"}]}},
        {"citationsContent": {"content": [{"text": "x"}, {"text": "y"}], "citations": []}},
        {"citationsContent": {"content": [], "citations": []}},
        {"toolUse": {"toolUseId": "a", "name": "f", "input": [1, 2.0]}},
        {"toolUse": {"toolUseId": "a", "name": "f", "input": {}, "type": "server_tool_use"}},
        {"toolAddition": {"tool": {"name": "f"}}},
        {"cachePoint": {"type": "default"}},
        {"someday": 1},
    ],
    ids=json.dumps,
)
def test_every_kind_of_block_comes_back_as_it_was(block: Any) -> None:
    read(block, {"text": "x"}, {"cachePoint": {"type": "default"}}, role="assistant")


@pytest.mark.parametrize(("media", "form"), [("mp4", "mp4"), ("mov", "mov"), ("3gpp", "three_gp")])
def test_a_video_of_any_dialect_is_sent_to_converse(media: str, form: str) -> None:
    google = installed("gemini.generate_content")
    inline = {"inlineData": {"mimeType": f"video/{media}", "data": "AA=="}}
    tree = {"contents": [{"role": "user", "parts": [{"text": "Look"}, inline]}]}
    rendered = CONVERSE.render_request(google.parse_request(tree, {"model": "m"}))
    body = json.loads(rendered.body)
    assert not rendered.losses
    block = body["messages"][0]["content"][1]
    assert block == {"video": {"format": form, "source": {"bytes": "AA=="}}}
    back = google.render_request(CONVERSE.parse_request(body, {"model": "m"}))
    kind = json.loads(back.body)["contents"][0]["parts"][1]["inlineData"]["mimeType"]
    assert kind == {"mov": "video/quicktime"}.get(media, f"video/{media}")


def test_a_video_of_a_kind_that_bedrock_does_not_take_is_no_document() -> None:
    video = Document(data="AA==", media_type="video/avi")
    (loss,) = CONVERSE.render_request(ChatRequest("m", (Message("user", (video,)),))).losses
    assert (loss.feature, loss.breaks) == ("documents.media_type", True)


def test_images_and_documents_of_other_clients_become_bytes() -> None:
    content = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AA=="}},
        *(
            {
                "type": "file",
                "file": {"filename": name, "file_data": PDF},
            }
            for name in ("a_b.pdf", "a b.pdf")
        ),
        {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
        {"type": "image_url", "image_url": {"url": "s3://bucket/key.png"}},
    ]
    body, losses = convert(messages=[{"role": "user", "content": content}])
    blocks = body["messages"][0]["content"]
    assert blocks[1] == {"image": {"format": "jpeg", "source": {"bytes": "AA=="}}}
    assert [block["document"]["name"] for block in blocks[2:4]] == ["a b", "a b 2"]
    assert blocks[4] == {"audio": {"format": "wav", "source": {"bytes": "AA=="}}}
    assert blocks[5]["image"]["source"] == {"s3Location": {"uri": "s3://bucket/key.png"}}
    assert losses == []


def test_an_image_by_its_address_refuses_the_request() -> None:
    content = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    request = CHAT.parse_request(
        {"model": "m", "messages": [{"role": "user", "content": content}]}, {}
    )
    (loss,) = CONVERSE.render_request(request).losses
    assert (loss.feature, loss.breaks) == ("images.url", True)
    assert not CONVERSE.image_urls


def test_tools_and_the_choice_among_them_are_written() -> None:
    spec = {"name": "f", "parameters": {"type": "object"}, "strict": True}
    tools = [
        {"type": "function", "function": spec},
        {"type": "function", "function": {"name": "g"}},
    ]
    body, losses = convert(tools=tools, tool_choice={"type": "function", "function": {"name": "f"}})
    first, second = (tool["toolSpec"] for tool in body["toolConfig"]["tools"])
    closed = {"type": "object", "additionalProperties": False}
    assert first == {"name": "f", "inputSchema": {"json": closed}, "strict": True}
    assert second["inputSchema"]["json"] == {"type": "object", "properties": {}}
    assert body["toolConfig"]["toolChoice"] == {"tool": {"name": "f"}}
    assert convert(tools=tools, tool_choice="required")[0]["toolConfig"]["toolChoice"] == {
        "any": {}
    }
    limited = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]}
    choice = {"type": "allowed_tools", "allowed_tools": limited}
    body, losses = convert(tools=tools, tool_choice=choice)
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["g"]
    assert losses == ["tool_choice.names"]


def test_a_tool_of_another_vendor_is_lost_by_name_where_functions_are_named() -> None:
    tools = (Opaque("gemini.generate_content", "googleSearch", {}), Tool("f"), Tool("g"))
    choice = ToolChoice("auto", ("g",))
    hi = (Message("user", (Text("Hi"),)),)
    rendered = CONVERSE.render_request(ChatRequest("m", hi, tools=tools, tool_choice=choice))
    wanted = ["tool_choice.names", "tools.googleSearch"]
    assert [loss.feature for loss in rendered.losses] == wanted
    (tool,) = json.loads(rendered.body)["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == "g"


def test_where_no_tool_may_be_called_there_is_none() -> None:
    tools = [{"type": "function", "function": {"name": "f"}}]
    body, losses = convert(tools=tools, tool_choice="none")
    assert "toolConfig" not in body
    assert losses == ["tool_choice.none"]


def test_tools_that_were_called_before_stay_known() -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    turns = [
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "ok"},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}]
    body, losses = convert(messages=turns, tools=tools, tool_choice="none")
    assert len(body["toolConfig"]["tools"]) == 1
    assert losses == ["tool_choice.none"]
    assert body["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}
    ]


def test_an_id_that_bedrock_would_refuse_is_changed_alike_in_call_and_result() -> None:
    call = {"id": "é|" * 40, "type": "function", "function": {"name": "f", "arguments": "[1"}}
    turns = [
        *HI,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "é|" * 40, "content": "ok"},
    ]
    body, losses = convert(messages=turns)
    used = body["messages"][1]["content"][0]["toolUse"]
    assert used["toolUseId"] == body["messages"][2]["content"][0]["toolResult"]["toolUseId"]
    assert len(used["toolUseId"]) <= 64
    assert (used["input"], losses) == ({"input": "[1"}, ["tools.arguments"])


def test_guardrails_that_another_vendor_does_not_have_are_named() -> None:
    tree = {"messages": [USER_TURN], "guardrailConfig": {"guardrailIdentifier": "g"}}
    request = CONVERSE.parse_request(tree, {"model": "m"})
    lost = [loss.feature for loss in CHAT.render_request(request).losses]
    assert lost == ["bedrock.converse.guardrailConfig"]


@pytest.mark.parametrize(
    "thought",
    [
        Reasoning("hm", signature="sig", extensions={"gemini.generate_content": {"a": 1}}),
        Reasoning("hm", id="rs_1", encrypted="gAAA", extensions={"openai.responses": {}}),
        Reasoning("", signature="sig", extensions={"gemini.generate_content": {"$of": "next"}}),
        Reasoning("hm", extensions={"openai.chat": {"$keys": ["reasoning_content"]}}),
    ],
)
def test_another_vendors_thought_comes_back_from_the_client_as_it_was(thought: Reasoning) -> None:
    content = answered(thought, Text("Yes."))
    assert again(content) == (thought, Text("Yes."))
    body = {"messages": [{"role": "assistant", "content": content}]}
    request = CONVERSE.parse_request(body, {"model": "m"})
    rendered = CONVERSE.render_request(request)
    assert b"reasoningContent" not in rendered.body
    assert [loss.feature for loss in rendered.losses] == ["reasoning.replay"] * bool(thought.text)


def test_an_earlier_plan_that_others_hide_is_lost_by_name() -> None:
    plan = Reasoning(encrypted="Look it up.", extensions={"cohere.chat": {}})
    turns = (*PLAIN.messages, Message("assistant", (plan, Text("Yes."))))
    losses = CONVERSE.render_request(replace(PLAIN, messages=turns)).losses
    assert [loss.feature for loss in losses] == ["reasoning.replay"]


def test_anthropics_own_thoughts_are_good_on_bedrock() -> None:
    own = {"anthropic.messages": {"$kind": "thinking"}}
    thoughts = (
        Reasoning("hm", signature="sig", extensions=own),
        Reasoning(encrypted="EuYB", extensions=own),
    )
    turns = (*PLAIN.messages, Message("assistant", (*thoughts, Text("Yes."))))
    request = ChatRequest(CLAUDE, turns)
    content = json.loads(CONVERSE.render_request(request).body)["messages"][1]["content"]
    assert content[0] == {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}
    assert content[1] == {"reasoningContent": {"redactedContent": b64encode(b"EuYB").decode()}}
    other = CONVERSE.render_request(replace(request, model="amazon.nova-lite-v1:0"))
    assert {loss.feature for loss in other.losses} == {"reasoning.replay"}


def test_names_of_speakers_and_details_of_images_are_named() -> None:
    url = {"url": "data:image/png;base64,AA==", "detail": "low"}
    content = [{"type": "image_url", "image_url": url}]
    losses = convert(messages=[{"role": "user", "name": "Ann", "content": content}])[1]
    assert sorted(losses) == ["images.detail", "messages.name"]


def test_words_without_which_bedrock_refuses_a_conversation_are_added() -> None:
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}
    turns = [
        {"role": "assistant", "content": "Hello"},
        {"role": "user", "content": [{"type": "text", "text": " "}, file]},
    ]
    body, losses = convert(messages=turns)
    assert body["messages"][0] == {"role": "user", "content": [{"text": "."}]}
    assert [next(iter(block)) for block in body["messages"][2]["content"]] == ["document", "text"]
    assert losses == ["messages.order", "documents"]


def test_cache_points_stand_where_anthropics_clients_mark_them() -> None:
    marked = {"anthropic.messages": {"cache_control": {"type": "ephemeral", "ttl": "1h"}}}
    request = ChatRequest("m", (Message("user", (Text("a", extensions=marked), Text("b"))),))
    content = json.loads(CONVERSE.render_request(request).body)["messages"][0]["content"]
    assert content == [
        {"text": "a"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"text": "b"},
    ]


@pytest.mark.parametrize(
    ("tree", "param"),
    [
        ([], None),
        ({"messages": 1}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "bot", "content": []}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": 1}]}]}, "messages[0].content[0].text"),
        (
            {"messages": [{"role": "user", "content": [{"image": {}}]}]},
            "messages[0].content[0].image.source",
        ),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        (CONVERSATION | {"toolConfig": {"tools": [{"toolSpec": []}]}}, SPEC),
        (
            CONVERSATION | {"toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}},
            f"{SPEC}.inputSchema",
        ),
        (CONVERSATION | {"inferenceConfig": {"topP": "x"}}, "inferenceConfig.topP"),
        (
            CONVERSATION | {"inferenceConfig": {"stopSequences": [1]}},
            "inferenceConfig.stopSequences",
        ),
    ],
    ids=str,
)
def test_what_has_no_meaning_is_refused_by_its_name(tree: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CONVERSE.parse_request(tree, {"model": "m"})
    assert caught.value.param == param


def test_errors_have_the_form_that_aws_s_sdk_reads() -> None:
    error = RateLimited("Later", retry_after=1)
    assert CONVERSE.error_headers(error) == {"x-amzn-errortype": "ThrottlingException"}
    body = json.loads(CONVERSE.render_error(error, "r"))
    assert body == {"__type": "ThrottlingException", "message": "Later"}
    refused = CONVERSE.error_headers(LossRefused("No"))
    assert refused == {"x-amzn-errortype": "ValidationException"}
    assert CONVERSE.parse_error(500, b"<html>").type == "InternalServerException"
    assert CONVERSE.parse_error(429, b'{"__type":"a#ServiceQuotaExceededException"}').type == (
        "ServiceQuotaExceededException"
    )


def test_calls_in_an_answer_with_end_turn_are_calls() -> None:
    body = {
        "output": {
            "message": {
                "role": "assistant",
                "content": [{"toolUse": {"toolUseId": "a", "name": "f", "input": {}}}],
            }
        },
        "stopReason": "end_turn",
    }
    response = CONVERSE.parse_response(json.dumps(body).encode())
    assert isinstance(response, ChatResponse)
    assert response.choices[0].finish_reason == "tool_calls"
    assert response.choices[0].message.parts == (ToolCall("a", "f", "{}"),)


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"output":{}}', b'{"message":"No"}', b"x", b""])
def test_what_is_no_answer_is_none(body: bytes) -> None:
    for reader in (CONVERSE.parse_response, CONVERSE.usage):
        with pytest.raises(ValueError, match="the "):
            reader(body)
