"""Requests: what each part of one means, and what becomes of other dialects' requests."""

from typing import Any

import msgspec
import pytest

from jackfield.dialects import Rendered, installed
from jackfield.errors import InvalidRequest
from jackfield.messages import (
    ChatRequest,
    Citation,
    Document,
    Image,
    Message,
    Opaque,
    Part,
    Reasoning,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from jackfield_gemini.endpoints import COUNT_TOKENS, EMBEDDINGS, GENERATE
from jackfield_gemini.signatures import SKIP

CHAT = installed("openai.chat")
HI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
USER_TURN = Message("user", (Text("hi"),))


def read(tree: Any) -> ChatRequest:
    return GENERATE.parse_request(tree, {"model": "m"})


def parts_of(*parts: Any) -> tuple[Part, ...]:
    return read({"contents": [{"role": "model", "parts": list(parts)}]}).messages[0].parts


def render(*messages: Message, model: str = "gemini-3-pro", **members: Any) -> Rendered:
    return GENERATE.render_request(ChatRequest(model, messages or (USER_TURN,), **members))


def written(*messages: Message, model: str = "gemini-3-pro", **members: Any) -> Any:
    return msgspec.json.decode(render(*messages, model=model, **members).body)


def lost(*messages: Message, model: str = "gemini-3-pro", **members: Any) -> list[str]:
    return [loss.feature for loss in render(*messages, model=model, **members).losses]


def test_names_may_be_in_camel_or_snake_case() -> None:
    camel = read(
        HI
        | {
            "systemInstruction": {"parts": [{"text": "s"}]},
            "generationConfig": {"topP": 1, "maxOutputTokens": 9},
        }
    )
    snake = read(
        HI
        | {
            "system_instruction": {"parts": {"text": "s"}},
            "generation_config": {"top_p": 1, "max_output_tokens": "9"},
        }
    )
    assert camel.messages == snake.messages
    assert (camel.top_p, camel.max_tokens) == (snake.top_p, snake.max_tokens) == (1, 9)


def test_a_name_in_the_users_own_data_is_left_alone() -> None:
    (call,) = parts_of({"function_call": {"name": "f", "args": {"some_key": 1}}})
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"some_key":1}'


def test_calls_without_ids_get_stable_ones_that_their_results_find() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    result = {"functionResponse": {"name": "f", "response": {"output": "1"}}}
    tree = {
        "contents": [
            *HI["contents"],
            {"role": "model", "parts": [call, call]},
            {"role": "user", "parts": [result, result]},
        ]
    }
    request = read(tree)
    calls = [part.id for part in request.messages[1].parts if isinstance(part, ToolCall)]
    results = [p.tool_call_id for p in request.messages[2].parts if isinstance(p, ToolResult)]
    assert calls == results
    assert len(set(calls)) == 2
    assert read(tree) == request
    assert msgspec.json.decode(GENERATE.render_request(request).body) == tree


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "x"}, "x", False),
        ({"error": "x"}, "x", True),
        ({"result": [1]}, '{"result":[1]}', False),
        ({"output": {"a": 1}}, '{"output":{"a":1}}', False),
    ],
)
def test_what_a_tool_answered_is_text_or_json(response: Any, text: str, failed: bool) -> None:
    part = {"functionResponse": {"name": "f", "id": "x", "response": response}}
    tree = {"contents": [{"role": "user", "parts": [part]}]}
    (result,) = read(tree).messages[0].parts
    assert isinstance(result, ToolResult)
    assert (result.parts, result.is_error) == ((Text(text),), failed)
    assert msgspec.json.decode(GENERATE.render_request(read(tree)).body) == tree


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("x", {"output": "x"}),
        ('{"a":1}', {"a": 1}),
        ("[1]", {"output": "[1]"}),
        ('{"error":1}', {"output": '{"error":1}'}),
    ],
)
def test_a_result_of_another_dialect_is_an_object(text: str, response: Any) -> None:
    call = Message("assistant", (ToolCall("x", "f", "{}"),))
    body = written(USER_TURN, call, Message("tool", (ToolResult("x", (Text(text),)),)))
    result = body["contents"][2]["parts"][0]["functionResponse"]
    assert result == {"name": "f", "response": response, "id": "x"}


def test_a_result_is_sent_as_one_text_beside_its_media() -> None:
    call = Message("assistant", (ToolCall("x", "f", "{}"),))
    parts = (Text("a"), Document(text="b"), Image(data="AAAA"))
    body = written(USER_TURN, call, Message("tool", (ToolResult("x", parts),)))
    result = body["contents"][2]["parts"][0]["functionResponse"]
    assert result["response"] == {"output": "a\nb"}
    assert result["parts"] == [{"inlineData": {"data": "AAAA", "mimeType": "image/png"}}]


def test_parallel_results_stand_in_one_content() -> None:
    calls = tuple(ToolCall(name, "f", "{}") for name in "ab")
    results = [Message("tool", (ToolResult(name, (Text(name),)),)) for name in "ab"]
    contents = written(USER_TURN, Message("assistant", calls), *results)["contents"]
    assert [len(content["parts"]) for content in contents] == [1, 2, 2]


def test_media_and_files_are_distinguished_by_their_type() -> None:
    parts = parts_of(
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/v"}, "videoMetadata": {"fps": 1}},
        {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/f"}},
    )
    assert parts[0] == Image(data="AAAA", media_type="image/png")
    kinds = [(type(part), getattr(part, "file_id", None)) for part in parts[1:]]
    uri = "https://generativelanguage.googleapis.com/v1beta/files/f"
    assert kinds == [(Document, "gs://b/v"), (Document, uri)]


@pytest.mark.parametrize(
    ("sent", "standard"),
    [("-_8=", "+/8="), ("-_8", "+/8="), ("YWJjZA", "YWJjZA=="), ("+/8=", "+/8="), ("+/8", "+/8")],
)
def test_data_for_urls_is_data_for_everyone(sent: str, standard: str) -> None:
    inline = {"inlineData": {"mimeType": "image/png", "data": sent}}
    tree = {"contents": [{"role": "user", "parts": [inline]}]}
    request = read(tree)
    (part,) = request.messages[0].parts
    assert isinstance(part, Image)
    assert part.data == standard
    assert msgspec.json.decode(GENERATE.render_request(request).body) == tree


def test_a_document_of_text_is_text_and_named() -> None:
    document = Message("user", (Document(text="Words", name="A title"),))
    assert written(document)["contents"][0]["parts"] == [{"text": "A title\n\nWords"}]
    assert lost(document) == ["documents.text"]


def test_a_documents_name_and_an_earlier_answers_sources_are_named_as_lost() -> None:
    named = Message("user", (Document(data="aGk=", name="a.pdf"), Document(data="aGk=", name="b")))
    answered = Message("assistant", (Text("a", citations=(Citation("https://a"),)),))
    expected = ["documents.name", "documents.name", "citations"]
    assert lost(named, answered, USER_TURN) == expected


@pytest.mark.parametrize("beside", [(Text("hi"),), ()])
def test_a_file_of_another_vendor_breaks_the_question(beside: tuple[Text, ...]) -> None:
    rendered = render(Message("user", (Document(file_id="file-1"), *beside)))
    assert [(loss.feature, loss.breaks) for loss in rendered.losses] == [
        ("documents.file_id", True)
    ]


def test_code_and_servers_tools_stay_as_they_are() -> None:
    part = {"executableCode": {"code": "1", "language": "PYTHON"}, "thoughtSignature": "aa"}
    assert parts_of(part) == (Opaque("gemini.generate_content", "executableCode", part),)


def test_a_signature_is_a_thought_before_its_part() -> None:
    proof, call = parts_of({"functionCall": {"name": "f", "id": "x"}, "thoughtSignature": "c2ln"})
    assert isinstance(proof, Reasoning)
    assert (proof.signature, proof.text) == ("c2ln", "")
    assert isinstance(call, ToolCall)


def test_a_signature_finds_its_call_behind_a_text() -> None:
    proof, call = parts_of({"functionCall": {"name": "f", "id": "x"}, "thoughtSignature": "c2ln"})
    content = written(USER_TURN, Message("assistant", (proof, Text("Look:"), call)))["contents"][1]
    assert [part.get("thoughtSignature") for part in content["parts"]] == [None, "c2ln"]


def test_gemini_3_gets_the_documented_signature_where_it_needs_one() -> None:
    turn = Message("assistant", (ToolCall("a", "f", "{}"), ToolCall("b", "f", "{}")))
    results = Message("tool", (ToolResult("a", ()), ToolResult("b", ())))
    turns = (USER_TURN, turn, results, USER_TURN, turn, results)
    contents = written(*turns)["contents"]
    signed = [[part.get("thoughtSignature") for part in c["parts"]] for c in contents]
    assert signed == [[None], [None, None], [None, None], [None], [SKIP, None], [None, None]]
    assert SKIP not in str(written(*turns, model="gemini-2.5-flash"))


def test_thoughts_of_others_are_named_as_lost() -> None:
    thought = Reasoning("Hm.", signature="s", extensions={"anthropic.messages": {}})
    assert lost(USER_TURN, Message("assistant", (thought, Text("a"))), USER_TURN) == [
        "reasoning.replay"
    ]


def test_a_turn_in_pieces_is_one_message_and_comes_back_in_pieces() -> None:
    pieces = [
        {"role": "model", "parts": [part]}
        for part in (
            {"text": "a"},
            {"text": "b"},
            {"functionCall": {"name": "f", "args": {}}},
            {"text": ""},
        )
    ]
    tree = {"contents": [*HI["contents"], *pieces]}
    request = read(tree)
    assert [type(part) for part in request.messages[1].parts] == [Text, ToolCall]
    assert request.messages[1].parts[0] == Text("ab")
    assert msgspec.json.decode(GENERATE.render_request(request).body) == tree


def test_the_system_speaks_before_the_conversation() -> None:
    late = Message("developer", (Text("late"),))
    body = written(Message("system", (Text("s"),)), USER_TURN, late)
    assert body["systemInstruction"] == {"parts": [{"text": "s"}, {"text": "late"}]}
    assert lost(Message("system", (Text("s"),)), USER_TURN, late) == ["messages.system"]


def test_a_system_prompt_alone_becomes_the_users_turn() -> None:
    assert written(Message("system", (Text("s"),))) == {
        "contents": [{"role": "user", "parts": [{"text": "s"}]}]
    }


def test_what_google_has_no_words_for_is_named() -> None:
    members: dict[str, Any] = {
        "logit_bias": {"1": 1},
        "metadata": {"a": "b"},
        "service_tier": "scale",
        "store": True,
        "user": "u",
    }
    custom = Tool("patch", kind="custom")
    found = lost(**members, tools=(custom,), parallel_tool_calls=False, server_state="resp_1")
    expected = ["conversation.server_state", "logit_bias", "metadata", "parallel_tool_calls"]
    assert sorted(found) == [*expected, "service_tier", "store", "tools.custom", "user"]


def test_a_search_of_anothers_is_named_however_empty_its_options_are() -> None:
    search: dict[str, Any] = {"openai.chat": {"web_search_options": {}}}
    assert lost(extensions=search) == ["openai.chat.web_search_options"]


def test_a_cached_content_is_the_beginning_of_the_conversation() -> None:
    assert read(HI | {"continuationToken": "t"}).server_state == "t"
    request = read(HI | {"cachedContent": "cachedContents/1"})
    assert request.server_state == "cachedContents/1"
    assert GENERATE.render_request(request).losses == ()
    assert any(loss.breaks for loss in CHAT.render_request(request).losses)


@pytest.mark.parametrize(
    ("tree", "param"),
    [
        ([], None),
        ({}, "contents"),
        ({"contents": [1]}, "contents[0]"),
        ({"contents": [{"role": "system", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [{"text": 1}]}]}, "contents[0].parts[0].text"),
        (
            {"contents": [{"role": "model", "parts": [{"functionCall": {}}]}]},
            "contents[0].parts[0].functionCall.name",
        ),
        ({**HI, "generationConfig": {"topP": "x"}}, "generationConfig.topP"),
        (
            {**HI, "toolConfig": {"functionCallingConfig": {"mode": "SOME"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
        (
            {**HI, "tools": [{"functionDeclarations": [{}]}]},
            "tools[0].functionDeclarations[0].name",
        ),
    ],
)
def test_what_has_no_meaning_is_refused_by_name(tree: Any, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(tree)
    assert caught.value.param == param


def test_a_count_of_tokens_takes_a_whole_request() -> None:
    request = CHAT.parse_request(
        {
            "model": "m",
            "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        },
        {},
    )
    body = msgspec.json.decode(COUNT_TOKENS.render_request(request).body)
    inner = body["generateContentRequest"]
    assert (inner["model"], inner["systemInstruction"]) == ("models/m", {"parts": [{"text": "s"}]})
    again = COUNT_TOKENS.parse_request(body, {"model": "m"})
    assert [message.role for message in again.messages] == ["system", "user"]


def test_an_image_cannot_be_embedded_by_others() -> None:
    content = {"parts": [{"inlineData": {"mimeType": "image/png", "data": "aa"}}]}
    with pytest.raises(InvalidRequest, match="must be text"):
        EMBEDDINGS.parse_request({"content": content}, {"model": "m"})


@pytest.mark.parametrize(
    ("configs", "limit"),
    [
        ({"generationConfig": {"maxOutputTokens": 5}}, 5),
        ({"generation_config": {"max_output_tokens": 5}}, 5),
        ({"generationConfig": {"maxOutputTokens": 5, "max_output_tokens": 900}}, 900),
        ({"generationConfig": {"max_output_tokens": 900, "maxOutputTokens": 5}}, 900),
        (
            {
                "generation_config": {"maxOutputTokens": 900},
                "generationConfig": {"maxOutputTokens": 5},
            },
            900,
        ),
        ({"generationConfig": {"maxOutputTokens": 5}, "generation_config": {}}, None),
        ({"generationConfig": {"maxOutputTokens": 5}, "generation_config": None}, 5),
        ({}, None),
    ],
)
def test_the_largest_limit_counts_however_it_is_spelt(configs: Any, limit: int | None) -> None:
    assert GENERATE.peek({**HI, **configs}, {"model": "m"}).max_tokens == limit
