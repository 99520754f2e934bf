"""What moderation found reaches the clients of both APIs, whole and in streams."""

from typing import Any

import msgspec
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from jackfield import sse
from jackfield.dialects import Dialect
from jackfield_openai.chat import ChatDialect
from jackfield_openai.responses import ResponsesDialect

CHAT, RESPONSES = ChatDialect(), ResponsesDialect()
CHAT_REQUEST = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
RESPONSES_REQUEST = {"model": "m", "input": "hi", "stream": True}
FAILED = {"type": "error", "code": "busy", "message": "No."}
MESSAGE = {"role": "assistant", "content": "Hi."}
CHOICE = {"index": 0, "message": MESSAGE, "finish_reason": "stop"}
ITEM = {
    "type": "message",
    "id": "msg_1",
    "role": "assistant",
    "status": "completed",
    "content": [{"type": "output_text", "text": "Hi.", "annotations": []}],
}


def result(*, flagged: bool) -> dict[str, Any]:
    return {
        "type": "moderation_result",
        "model": "omni",
        "flagged": flagged,
        "categories": {"hate": flagged},
        "category_scores": {"hate": 0.5},
        "category_applied_input_types": {"hate": ["text"]},
    }


def listed(*results: Any) -> dict[str, Any]:
    return {"type": "moderation_results", "model": "omni", "results": list(results)}


def in_chat(moderation: Any) -> dict[str, Any]:
    return {"id": "c", "model": "m", "created": 1, "choices": [CHOICE], "moderation": moderation}


def response(moderation: Any) -> dict[str, Any]:
    common = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [ITEM]}
    return {**common, "status": "completed", "moderation": moderation}


def translated(tree: Any, source: Dialect, target: Dialect, request: Any) -> tuple[Any, list[str]]:
    parsed = source.parse_response(msgspec.json.encode(tree))
    rendered = target.render_response(parsed, target.parse_request(request, {}))
    return msgspec.json.decode(rendered.body), [loss.feature for loss in rendered.losses]


def streamed(events: list[Any], source: Dialect, target: Dialect, request: Any) -> list[Any]:
    parser = source.stream_parser()
    renderer = target.stream_renderer(target.parse_request(request, {}))
    sent = [b"data: %b\n\n" % msgspec.json.encode(event) for event in events]
    results = [one for event in sent for one in parser.feed(event)]
    wire = b"".join(renderer.render(one) for one in [*results, *parser.close()])
    datas = [sse.data_of(event) or b"" for event in sse.split(wire)]
    return [msgspec.json.decode(data) for data in datas if data != b"[DONE]"]


def test_the_one_result_of_a_response_is_a_list_in_chat() -> None:
    tree = response({"input": result(flagged=True), "output": FAILED})
    body, losses = translated(tree, RESPONSES, CHAT, CHAT_REQUEST)
    assert body["moderation"] == {"input": listed(result(flagged=True)), "output": FAILED}
    assert losses == []
    ChatCompletion.model_validate(body)


def test_of_several_results_in_chat_a_response_has_one_that_was_flagged() -> None:
    several = listed(result(flagged=False), result(flagged=True))
    tree = in_chat({"input": several, "output": listed(result(flagged=False))})
    body, losses = translated(tree, CHAT, RESPONSES, RESPONSES_REQUEST)
    results = {"input": result(flagged=True), "output": result(flagged=False)}
    assert (body["moderation"], losses) == (results, ["moderation"])
    Response.model_validate(body)


def test_the_last_chunk_of_a_chat_has_the_moderation_of_a_streamed_response() -> None:
    completed = response({"input": FAILED, "output": result(flagged=False)})
    events = [{"type": "response.completed", "response": completed}]
    chunks = streamed(events, RESPONSES, CHAT, CHAT_REQUEST)
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["moderation"] == {"input": FAILED, "output": listed(result(flagged=False))}
    ChatCompletionChunk.model_validate(chunks[-1])


def test_a_streamed_response_ends_with_the_moderation_of_whichever_chunk() -> None:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    judged = {"moderation": {"input": FAILED, "output": listed(result(flagged=True))}}
    delta: dict[str, Any] = {"index": 0, "delta": {"content": "Hi."}, "finish_reason": None}
    end = {"index": 0, "delta": {}, "finish_reason": "stop"}
    for first, second, last in ((judged, {}, {}), ({}, judged, {}), ({}, {}, judged)):
        chunks = [
            {**head, "choices": [delta], **first},
            {**head, "choices": [end], **second},
            {**head, "choices": [], **last},
        ]
        final = streamed(chunks, CHAT, RESPONSES, RESPONSES_REQUEST)[-1]["response"]
        assert final["moderation"] == {"input": FAILED, "output": result(flagged=True)}
