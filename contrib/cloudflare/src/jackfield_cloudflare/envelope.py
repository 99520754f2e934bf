"""What Cloudflare wraps every answer in, whether it went well or not."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jackfield import GatewayError, Usage
from jackfield.dialects import UpstreamFailure, installed
from jackfield.fields import json_object

_OPENAI = installed("openai.chat")


def result_of(body: bytes) -> dict[str, Any]:
    """What a whole answer holds. Raises ValueError where it says that it is none."""
    tree = json_object(body)
    result = tree.get("result")
    if tree.get("success") is not True or not isinstance(result, dict):
        raise ValueError("the response has no 'result' or no 'success'")
    return result


def usage_in(result: Mapping[str, Any]) -> Usage | None:
    """The tokens that a result tells of, in OpenAI's words; None where it tells of none."""
    told = result.get("usage")
    if not isinstance(told, dict):
        return None
    return Usage(_count(told, "prompt_tokens"), _count(told, "completion_tokens"))


def _count(told: Mapping[str, Any], key: str) -> int:
    count = told.get(key)
    return count if type(count) is int and count > 0 else 0


def wrapped(result: dict[str, Any]) -> bytes:
    """A whole answer."""
    return msgspec.json.encode({"result": result, "success": True, "errors": [], "messages": []})


def render_error(error: GatewayError, request_id: str) -> bytes:
    """An error. Cloudflare's codes are numbers: of ours the status is one."""
    told = {"code": error.http_status, "message": error.message}
    wire = {"result": None, "success": False, "errors": [told], "messages": [request_id]}
    return msgspec.json.encode(wire)


def parse_error(status: int, body: bytes) -> UpstreamFailure:
    """What an error says: OpenAI's dialect knows lists of them, as servers of its kind send."""
    return _OPENAI.parse_error(status, body)
