"""The recorded traffic in the form of the kit, with what others than our dialects read in it."""

import json
from base64 import b64decode
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from tests.corpus import Exchange, exchanges
from tests.counters import COUNTERS

from jackfield.dialects import UpstreamFailure
from jackfield.messages import Usage
from jackfield.testing.recorded import AnswerContent, Recorded, arguments_of

STREAMS: Final = ("sse", "ndjson", "eventstream")
THOUGHTS_ELSEWHERE: Final = ("snowflake",)
USAGE_ELSEWHERE: Final = ("groq",)
"""Providers that have it where whoever read the recordings did not look."""

OF_VENDORS: Final = ("nova_code_interpreter",)
"""Tools that the provider itself runs: no calls for the client."""


def recordings(
    dialect: str | None = None, *operations: str, provider: str | None = None
) -> list[Recorded]:
    """The exchanges with these marks, named as the corpus does ("openai_chat")."""
    found = exchanges(dialect, provider=provider)
    return [recording(one) for one in found if not operations or one.operation in operations]


def recording(exchange: Exchange) -> Recorded:
    """One exchange."""
    path, kind = exchange.request["path"], exchange.response["body_kind"]
    if kind == "binary" and exchange.operation.endswith("_stream"):
        kind = "eventstream"
    return Recorded(
        exchange.id,
        exchange.request_tree,
        wire_of(exchange),
        exchange.status,
        streams=kind in STREAMS or is_array(exchange),
        params={"model": exchange.model or "unnamed"} | dict(parse_qsl(urlsplit(path).query)),
        expected=failure_of(exchange) if exchange.status >= 400 else content_of_exchange(exchange),
    )


def is_array(exchange: Exchange) -> bool:
    """Whether it is a stream of Google's that is one JSON array."""
    body, dialect = exchange.response["body"], exchange.dialect
    return isinstance(body, list) and dialect == "gemini" and exchange.status == 200


def wire_of(exchange: Exchange) -> bytes:
    """The body of the answer as it came, or as Google writes an array."""
    body = exchange.response["body"]
    if exchange.response["body_kind"] in ("eventstream", "binary"):
        return b64decode(body["base64"])
    if not is_array(exchange):
        return exchange.body
    pieces = (json.dumps(item, ensure_ascii=False).encode() for item in body)
    return b"[" + b"\r\n,\r\n".join(pieces) + b"\r\n]\n"


def failure_of(exchange: Exchange) -> UpstreamFailure:
    """What an error says, whoever it is of."""
    tree = json.loads(exchange.body)
    tree = tree[0] if isinstance(tree, list) else tree
    error = tree.get("error", tree)
    if isinstance(error, str):
        return UpstreamFailure(error)
    message = error.get("message") or error.get("detail")
    return UpstreamFailure(message, error.get("type") or error.get("status"))


def content_of_exchange(exchange: Exchange) -> AnswerContent | None:
    """What the independent reading says of an answer."""
    expect = exchange.expect
    if not expect:
        return None
    calls = [
        call for call in expect["tool_calls"] if call["name"] and call["name"] not in OF_VENDORS
    ]
    return AnswerContent(
        cited_text(exchange) or expect["text"],
        None if exchange.provider in THOUGHTS_ELSEWHERE else expect["reasoning"],
        [(call["name"], arguments_of(call["arguments"])) for call in calls],
        str(expect["finish"] or "") or None,
        usage_of(exchange),
    )


def usage_of(exchange: Exchange) -> Usage | None:
    """What it counts: nothing where the provider does not say."""
    if "stream_error" in exchange.expect:
        return None
    if usage := exchange.expect.get("usage"):
        return COUNTERS[exchange.dialect](usage)
    return None if exchange.provider in USAGE_ELSEWHERE else Usage()


def cited_text(exchange: Exchange) -> str:
    """A text of Bedrock's that stands beside its citations, where it was not read."""
    body = exchange.response["body"]
    if "citationsContent" not in json.dumps(body):
        return ""
    blocks = body["output"]["message"]["content"]
    cited = [block.get("citationsContent", {"content": [block]})["content"] for block in blocks]
    return "".join(one[0]["text"] for one in cited)
