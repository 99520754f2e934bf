"""Recorded Responses traffic through the canonical form and back: nothing of it may be missing."""

from typing import Any

import msgspec
from tests.corpus import Exchange, exchanges, needs_corpus

from jackfield import sse
from jackfield_openai.responses import ResponsesDialect

pytestmark = needs_corpus
RESPONSES = ResponsesDialect()
OPERATIONS = ("responses", "responses_stream")


def recorded(*, streams: bool | None = None) -> list[Exchange]:
    return [
        exchange
        for exchange in exchanges("openai_responses")
        if exchange.operation in OPERATIONS
        and (streams is None or (exchange.status == 200 and exchange.streams is streams))
    ]


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
    return {key: bare(entry) for key, entry in value.items() if entry not in (None, [], {}, False)}


_PLAIN = {"type", "text", "annotations", "logprobs"}


def written_out(tree: dict[str, Any]) -> dict[str, Any]:
    """A request without its short input and its deprecated name for the summary."""
    if isinstance(tree["input"], str):
        tree = {**tree, "input": [{"role": "user", "content": tree["input"]}]}
    reasoning = dict(tree.get("reasoning") or {})
    if "generate_summary" in reasoning:
        reasoning["summary"] = reasoning.pop("generate_summary")
    return {**tree, "reasoning": reasoning}


def test_requests_come_back_whole() -> None:
    changed = []
    for exchange in recorded():
        tree = written_out(exchange.request_tree)
        rendered = RESPONSES.render_request(RESPONSES.parse_request(exchange.request_tree, {}))
        if rendered.losses or bare(msgspec.json.decode(rendered.body)) != bare(tree):
            changed.append(exchange.id)
    assert changed == []


def test_responses_come_back_whole() -> None:
    changed = []
    for exchange in recorded(streams=False):
        request = RESPONSES.parse_request(exchange.request_tree, {})
        response = RESPONSES.parse_response(exchange.body)
        rendered = RESPONSES.render_response(response, request)
        tree = bare(exchange.response["body"])
        got = bare(msgspec.json.decode(rendered.body))
        # A call without an id gets one.
        for before, after in zip(tree.get("output", ()), got.get("output", ()), strict=True):
            after["id"] = before.setdefault("id", after.get("id"))
        if rendered.losses or {key: got.get(key) for key in tree} != tree:
            changed.append(exchange.id)
    assert changed == []


def final(wire: bytes) -> dict[str, Any]:
    for event in sse.split(wire):
        if RESPONSES.terminal(event):
            value: dict[str, Any] = msgspec.json.decode(sse.data_of(event) or b"")["response"]
            return value
    raise AssertionError("the stream has no end")


def stream_again(exchange: Exchange) -> bytes:
    parser = RESPONSES.stream_parser()
    renderer = RESPONSES.stream_renderer(RESPONSES.parse_request(exchange.request_tree, {}))
    events = [event for wire in sse.split(exchange.body) for event in parser.feed(wire)]
    return b"".join(renderer.render(event) for event in events)


def without_volatile(items: Any) -> Any:
    """Without the encrypted thought, which OpenAI says anew in each event, and its temporary id."""
    volatile = {"encrypted_content"}
    return [
        {k: v for k, v in item.items() if k not in volatile and not str(v).startswith("rs_tmp_")}
        for item in items
    ]


def test_streams_come_back_with_the_same_final_response() -> None:
    changed = []
    for exchange in recorded(streams=True):
        before, after = final(exchange.body), final(stream_again(exchange))
        items = [bare(without_volatile(tree.pop("output"))) for tree in (before, after)]
        for item in [*items[0], *items[1]]:
            for block in item.get("content") or ():
                if isinstance(block, dict):
                    block.pop("logprobs", None)  # the deltas have them without their bytes
        if items[0] != items[1] or {key: after.get(key) for key in before} != before:
            changed.append(exchange.id)
    assert changed == []


def test_a_stream_and_its_final_response_mean_the_same() -> None:
    changed = []
    for exchange in recorded(streams=True):
        request = RESPONSES.parse_request(exchange.request_tree, {})
        response = RESPONSES.parse_response(msgspec.json.encode(final(exchange.body)))
        whole = msgspec.json.decode(RESPONSES.render_response(response, request).body)
        streamed = final(stream_again(exchange))
        texts = [[i.get("content") for i in tree["output"]] for tree in (whole, streamed)]
        for blocks in texts:
            for block in (b for content in blocks for b in content or ()):
                block.pop("logprobs", None)
        if texts[0] != texts[1] or whole["usage"] != streamed["usage"]:
            changed.append(exchange.id)
    assert changed == []


def test_every_recorded_stream_has_one_end_and_a_usage() -> None:
    for exchange in recorded(streams=True):
        ends = [RESPONSES.terminal(event) for event in sse.split(exchange.body)]
        assert [end for end in ends if end] == ["end"], exchange.id
        meter = RESPONSES.usage_meter()
        meter.feed(exchange.body)
        usage = meter.usage()
        assert usage is not None, exchange.id
        assert usage.input_tokens == exchange.expect["usage"]["input_tokens"], exchange.id


def test_every_recorded_error_has_a_message() -> None:
    for exchange in recorded():
        if exchange.status >= 400:
            failure = RESPONSES.parse_error(exchange.status, exchange.body)
            assert "without a message" not in failure.message, exchange.id
