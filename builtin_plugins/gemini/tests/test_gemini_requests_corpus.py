"""Recorded requests of OpenAI's dialects, rendered for Google and held against its SDK's types."""

from typing import Any

import msgspec
import pydantic
import pytest
from google.genai import types
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield.dialects import Dialect, installed
from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest
from jackfield_gemini.endpoints import COUNT_TOKENS, GENERATE

pytestmark = needs_corpus
FOUND = [
    pytest.param(exchange, installed(name), id=exchange.id)
    for name in ("openai.chat", "openai.responses")
    for exchange in exchanges(name.replace(".", "_"))
    if exchange.operation in ("chat", "chat_stream", "responses", "responses_stream")
    and exchange.request_tree is not None
]
WITHOUT_CONTENT = {"openai-chat-ba5887a321"}
RESULT_WITHOUT_A_CALL = {"openai-responses-58d3fb7784"}
MEMBERS: dict[str, type[pydantic.BaseModel]] = {
    "contents": types.Content,
    "tools": types.Tool,
    "systemInstruction": types.Content,
    "toolConfig": types.ToolConfig,
    "generationConfig": types.GenerationConfig,
}
SCALARS = {"serviceTier": str, "store": bool}


def check(body: dict[str, Any]) -> None:
    for key, value in body.items():
        if key in SCALARS:
            assert isinstance(value, SCALARS[key])
            continue
        for item in value if isinstance(value, list) else [value]:
            MEMBERS[key].model_validate(item)


def counted(body: dict[str, Any], key: str) -> int:
    return sum(key in part for content in body["contents"] for part in content["parts"])


@pytest.mark.parametrize(("exchange", "source"), FOUND)
def test_a_request_of_openai_is_one_that_googles_sdk_knows(
    exchange: Exchange, source: Dialect
) -> None:
    try:
        request = source.parse_request(exchange.request_tree, {})
    except InvalidRequest:
        assert exchange.status >= 400
        return
    assert isinstance(request, ChatRequest)
    if exchange.id in WITHOUT_CONTENT:
        with pytest.raises(InvalidRequest):
            GENERATE.render_request(request)
        return
    rendered = GENERATE.render_request(request)
    body = msgspec.json.decode(rendered.body)
    check(body)
    assert all(content["parts"] for content in body["contents"])
    if exchange.id not in RESULT_WITHOUT_A_CALL and not any(x.breaks for x in rendered.losses):
        assert counted(body, "functionResponse") <= counted(body, "functionCall")
    again = GENERATE.parse_request(body, {"model": request.model})
    assert msgspec.json.decode(GENERATE.render_request(again).body) == body
    COUNT_TOKENS.render_request(request)
