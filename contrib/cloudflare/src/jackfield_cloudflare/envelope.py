"""The envelope of all Cloudflare answers and errors."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield import GatewayError, Usage
from jackfield.dialects import UpstreamFailure, installed
from jackfield.fields import json_object
from jackfield.strict_json import count_in

_OPENAI = installed("openai.chat")


def result_of(body: bytes) -> dict[str, Any]:
    """The result in a complete answer. Raises ValueError if it reports an error."""
    tree = json_object(body)
    result = tree.get("result")
    if tree.get("success") is not True or not isinstance(result, dict):
        raise ValueError("the response has no 'result' or no 'success'")
    return result


def usage_in(result: Mapping[str, Any]) -> Usage | None:
    """The usage in a result, in OpenAI's form; None if it has none."""
    usage = result.get("usage")
    if not isinstance(usage, dict):
        return None
    return Usage(_tokens(usage, "prompt_tokens"), _tokens(usage, "completion_tokens"))


def _tokens(usage: Mapping[str, Any], key: str) -> int:
    count = usage.get(key)
    return count_in(count)


def wrapped(result: dict[str, Any]) -> bytes:
    """A complete answer."""
    return msgspec.json.encode({"result": result, "success": True, "errors": [], "messages": []})


def render_error(error: GatewayError, request_id: str) -> bytes:
    """An error. Cloudflare's codes are numbers; the gateway uses the status."""
    reported = {"code": error.http_status, "message": error.message}
    wire = {"result": None, "success": False, "errors": [reported], "messages": [request_id]}
    return msgspec.json.encode(wire)


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """The content of an error; OpenAI's dialect parses lists of errors too."""
    return _OPENAI.parse_error(status, body)
