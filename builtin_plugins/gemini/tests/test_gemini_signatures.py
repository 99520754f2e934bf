"""Signatures of texts: they stand behind what they sign, and find their way back to it."""

from typing import Any

import msgspec
import pytest

from jackfield import sse
from jackfield.dialects import Dialect, installed
from jackfield.messages import ChatRequest, Message, Text
from jackfield_gemini.endpoints import GENERATE

MESSAGES = installed("anthropic.messages")
REQUEST = ChatRequest("m", (Message("user", (Text("hi"),)),), include_usage=True)
SIGNED = {"text": "Hello", "thoughtSignature": "c2ln"}


def answer(*parts: Any) -> bytes:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "finishReason": "STOP"}
    return msgspec.json.encode({"candidates": [candidate]})


def shown(client: Dialect) -> Any:
    response = GENERATE.parse_response(answer(SIGNED))
    return msgspec.json.decode(client.render_response(response, REQUEST).body)


def returned(client: Dialect, **history: Any) -> Any:
    request = client.parse_request({"max_tokens": 9, "model": "gemini-3-pro", **history}, {})
    return msgspec.json.decode(GENERATE.render_request(request).body)["contents"][0]["parts"]


def test_an_answer_begins_with_its_text() -> None:
    blocks = shown(MESSAGES)["content"]
    assert [block["type"] for block in blocks] == ["text", "redacted_thinking"]
    turn = {"role": "assistant", "content": blocks}
    user = {"role": "user", "content": "more"}
    assert returned(MESSAGES, messages=[turn, user]) == [SIGNED]


@pytest.mark.parametrize("name", ["openai.chat", "openai.responses"])
def test_the_signature_is_on_its_text_again(name: str) -> None:
    client = installed(name)
    answer = shown(client)
    if "choices" in answer:
        assert returned(client, messages=[answer["choices"][0]["message"]]) == [SIGNED]
    else:
        assert [item["type"] for item in answer["output"]] == ["message", "reasoning"]
        assert returned(client, input=answer["output"]) == [SIGNED]


def test_a_stream_has_the_same_content() -> None:
    parser, renderer = GENERATE.stream_parser(), GENERATE.stream_renderer(REQUEST)
    wire = sse.encode(answer({"text": "Hel"})), sse.encode(answer({**SIGNED, "text": "lo"}))
    events = [event for one in wire for event in parser.feed(one)] + list(parser.close())
    values = [
        msgspec.json.decode(sse.data_of(event) or b"")
        for event in sse.split(b"".join(map(renderer.render, events)))
    ]
    parts = [part for one in values for part in one["candidates"][0]["content"]["parts"]]
    assert [part["text"] for part in parts if part["text"]] == ["Hel", "lo"]
    assert [part["thoughtSignature"] for part in parts if "thoughtSignature" in part] == ["c2ln"]


def test_an_empty_text_keeps_its_signature() -> None:
    body = answer({"text": "Hello"}, {"text": "", "thoughtSignature": "c2ln"})
    again = GENERATE.render_response(GENERATE.parse_response(body), REQUEST).body
    assert msgspec.json.decode(again) == msgspec.json.decode(body)


def test_a_call_keeps_its_own_signature_when_others_lose_their_parts() -> None:
    empty = {"text": "", "thoughtSignature": "b25l"}
    image = {"inlineData": {"mimeType": "image/png", "data": "AA=="}, "thoughtSignature": "dHdv"}
    call = {"functionCall": {"name": "f", "args": {}, "id": "x"}, "thoughtSignature": "c2ln"}
    response = GENERATE.parse_response(answer(empty, image, call))
    message = msgspec.json.decode(MESSAGES.render_response(response, REQUEST).body)
    turn = {"role": "assistant", "content": message["content"]}
    assert returned(MESSAGES, messages=[turn]) == [call, empty]
    again = GENERATE.render_response(response, REQUEST).body
    assert msgspec.json.decode(again)["candidates"][0]["content"]["parts"] == [empty, image, call]
