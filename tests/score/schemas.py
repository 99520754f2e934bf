"""What the official SDKs say of a request: the types they give to it."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import botocore.session  # type: ignore[import-untyped]
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from botocore.validate import ParamValidator  # type: ignore[import-untyped]
from cohere.types import ChatMessageV2, ToolV2
from google.genai import types as google_types
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import response_create_params

from .readers.types import mistakes

_STREAMING = ("stream", "stream_options")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")  # recordings cut long data off anywhere


def wrong_with(name: str, tree: dict[str, Any]) -> list[str]:
    """What the SDK of a dialect's vendor finds wrong with a request; nothing where it has none."""
    check = _CHECKS.get(name.partition("@")[0])
    return check(tree) if check else []


def _chat(tree: dict[str, Any]) -> list[str]:
    return mistakes(CompletionCreateParamsNonStreaming, _whole(tree))


def _responses(tree: dict[str, Any]) -> list[str]:
    items = tree.get("input")
    strict = [_strict_item(item) for item in items] if isinstance(items, list) else items
    whole = _whole(tree) | {"input": strict}
    return mistakes(response_create_params.ResponseCreateParamsNonStreaming, whole)


def _strict_item(item: dict[str, Any]) -> dict[str, Any]:
    """An item as OpenAI's types have it; its API takes less, as the recordings show."""
    parts = item.get("content")
    if not isinstance(parts, list):
        return item
    if item.get("role") == "assistant" and "id" not in item:
        return item | {"content": "".join(part.get("text", "") for part in parts)}
    images = [{"detail": "auto"} if part["type"] == "input_image" else {} for part in parts]
    return item | {"content": [more | part for more, part in zip(images, parts, strict=True)]}


def _messages(tree: dict[str, Any]) -> list[str]:
    return mistakes(MessageCreateParamsNonStreaming, _whole(tree))


def _whole(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if key not in _STREAMING}


_GOOGLE: Mapping[str, Any] = {
    "contents": list[google_types.Content],
    "systemInstruction": google_types.Content,
    "tools": list[google_types.Tool],
    "toolConfig": google_types.ToolConfig,
    "safetySettings": list[google_types.SafetySetting],
    "generationConfig": google_types.GenerationConfig,
}


def _google(tree: dict[str, Any]) -> list[str]:
    return [
        f"{key}.{mistake}"
        for key, kind in _GOOGLE.items()
        if key in tree
        for mistake in mistakes(kind, tree[key])
    ]


def _cohere(tree: dict[str, Any]) -> list[str]:
    found = mistakes(list[ChatMessageV2], tree.get("messages"))
    return found + (mistakes(list[ToolV2], tree["tools"]) if tree.get("tools") else [])


@cache
def _converse_shape() -> Any:
    model = botocore.session.get_session().get_service_model("bedrock-runtime")
    return model.operation_model("Converse").input_shape


def _converse(tree: dict[str, Any]) -> list[str]:
    shape = _converse_shape()
    value = _python({"modelId": "m", **tree}, shape)
    report = ParamValidator().validate(value, shape)
    return report.generate_report().splitlines() if report.has_errors() else []


def _python(value: Any, shape: Any) -> Any:
    """JSON as boto3 takes it: bytes where the service wants a blob."""
    kind = shape.type_name
    if kind == "blob" and isinstance(value, str):
        return value.encode() if _BASE64.fullmatch(value) else {"not base64": value[:20]}
    if kind == "structure" and isinstance(value, dict):
        if getattr(shape, "is_document_type", False):
            return value
        members = shape.members
        return {k: _python(v, members[k]) if k in members else v for k, v in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_python(item, shape.member) for item in value]
    if kind == "map" and isinstance(value, dict):
        return {key: _python(item, shape.value) for key, item in value.items()}
    return value


_CHECKS: Mapping[str, Callable[[dict[str, Any]], list[str]]] = {
    "openai.chat": _chat,
    "openai.responses": _responses,
    "anthropic.messages": _messages,
    "gemini.generate_content": _google,
    "bedrock.converse": _converse,
    "cohere.chat": _cohere,
}
