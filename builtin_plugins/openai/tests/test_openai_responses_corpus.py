"""Recorded Responses traffic through the canonical form and back: nothing of it may be missing."""

from typing import Any

import msgspec
from tests.corpus import needs_corpus
from tests.recordings import recordings

from jackfield import sse
from jackfield.testing.recorded import Recorded, check_recorded, events_of
from jackfield_openai.responses import ResponsesDialect

pytestmark = needs_corpus
RESPONSES = ResponsesDialect()
ALL = recordings("openai_responses", "responses", "responses_stream")
WITHOUT_AN_ID = "bedrock-mantle-responses-f0e64c2c8f"
STREAMS = [one for one in ALL if one.status == 200 and one.streams]


def bare(value: Any) -> Any:
    """A value without what is empty, and with short forms of messages written out."""
    if isinstance(value, list):
        return [bare(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.get("role") in ("user", "assistant", "system", "developer") and "content" in value:
        value = {"type": "message", **value}
        content = value["content"]
        if isinstance(content, list) and len(content) == 1 and set(content[0]) <= _PLAIN:
            value = {**value, "content": content[0]["text"]}
    members = {key: bare(entry) for key, entry in value.items()}
    return {key: entry for key, entry in members.items() if entry not in (None, [], {}, False)}


_PLAIN = {"type", "text", "annotations", "logprobs"}


def written_out(tree: dict[str, Any]) -> dict[str, Any]:
    """A request without its short input and its deprecated name for the summary."""
    if isinstance(tree["input"], str):
        tree = {**tree, "input": [{"role": "user", "content": tree["input"]}]}
    reasoning = dict(tree.get("reasoning") or {})
    if "generate_summary" in reasoning:
        reasoning["summary"] = reasoning.pop("generate_summary")
    return {**tree, "reasoning": reasoning}


def plain_answer(tree: Any) -> Any:
    """With what everybody has who does not say so, and in whole seconds."""
    found = {"service_tier": "default", "store": True, **bare(tree)}
    return found | {"created_at": int(found["created_at"])}


test_recorded_responses = check_recorded(
    RESPONSES,
    ALL,
    plain_request=lambda tree: bare(written_out(tree)),
    plain_answer=plain_answer,
    skip={
        f"answers-come-back-{WITHOUT_AN_ID}": "its call gets an id",
        "streams-come-back-openrouter-responses-stream-122260afe6": "its beginning lacks members",
    },
)


def test_a_call_without_an_id_gets_one() -> None:
    (one,) = (one for one in ALL if one.id == WITHOUT_AN_ID)
    request = RESPONSES.parse_request(one.request, {})
    rendered = RESPONSES.render_response(RESPONSES.parse_response(one.answer), request)
    found, recorded = map(msgspec.json.decode, (rendered.body, one.answer))
    recorded["output"][1]["id"] = found["output"][1]["id"]
    assert recorded["output"][1]["id"]
    assert plain_answer(found) == plain_answer(recorded)


def final(wire: bytes) -> dict[str, Any]:
    for event in sse.split(wire):
        if RESPONSES.terminal(event):
            value: dict[str, Any] = msgspec.json.decode(sse.data_of(event) or b"")["response"]
            return value
    raise AssertionError("the stream has no end")


def stream_again(one: Recorded) -> bytes:
    renderer = RESPONSES.stream_renderer(RESPONSES.parse_request(one.request, {}))
    return b"".join(map(renderer.render, events_of(RESPONSES, one.answer)))


def without_volatile(items: Any) -> Any:
    """Without the encrypted thought, which OpenAI says anew in each event, and its temporary id."""
    volatile = {"encrypted_content"}
    return [
        {k: v for k, v in item.items() if k not in volatile and not str(v).startswith("rs_tmp_")}
        for item in items
    ]


def test_streams_come_back_with_the_same_final_response() -> None:
    changed = []
    for one in STREAMS:
        before, after = final(one.answer), final(stream_again(one))
        items = [bare(without_volatile(tree.pop("output"))) for tree in (before, after)]
        for item in [*items[0], *items[1]]:
            for block in item.get("content") or ():
                if isinstance(block, dict):
                    block.pop("logprobs", None)  # the deltas have them without their bytes
        if items[0] != items[1] or {key: after.get(key) for key in before} != before:
            changed.append(one.id)
    assert changed == []


def test_a_stream_and_its_final_response_mean_the_same() -> None:
    changed = []
    for one in STREAMS:
        request = RESPONSES.parse_request(one.request, {})
        response = RESPONSES.parse_response(msgspec.json.encode(final(one.answer)))
        whole = msgspec.json.decode(RESPONSES.render_response(response, request).body)
        streamed = final(stream_again(one))
        texts = [[i.get("content") for i in tree["output"]] for tree in (whole, streamed)]
        for blocks in texts:
            for block in (b for content in blocks for b in content or ()):
                block.pop("logprobs", None)
        if texts[0] != texts[1] or whole["usage"] != streamed["usage"]:
            changed.append(one.id)
    assert changed == []
