"""Writes chat requests for Mistral: OpenAI's JSON with Mistral's members."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from jackfield.dialects import Loss, Rendered, installed
from jackfield.messages import ChatRequest, Opaque, Tool, ToolChoice

from .efforts import fit_effort
from .names import CHAT, OPENAI_CHAT, exchanged, renamed_feature
from .request_parts import Conversation

_OPENAI: Final = installed("openai.chat")
_SHARED: Final = ("prediction", "prompt_cache_key")
"""OpenAI members that Mistral has too."""
_RENAMED: Final = (("max_completion_tokens", "max_tokens"), ("seed", "random_seed"))
_UNKNOWN: Final = ("stream_options", "logit_bias", "modalities", "store", "user")
_TIERS: Final = ("auto", "standard_only")
_NO_PARAMETERS: Final = {"type": "object", "properties": {}}
_NOT_LOST: Final = ("reasoning.summary",)
"""A loss for OpenAI but not here, because Mistral's models show their thoughts."""
_BRIDGE: Final = {"role": "assistant", "content": "OK"}
"""The message between a tool's result and a question in other dialects' conversations."""


def write_request(request: ChatRequest) -> Rendered:
    """The body of the equivalent Mistral request, and its losses."""
    is_own = CHAT in request.extensions
    losses = _field_losses(request)
    request = _offering(exchanged(_sharing(request)), losses)
    conversation = Conversation(losses)
    messages = [conversation.message(m, f"messages[{i}]") for i, m in enumerate(request.messages)]
    kept = {**request.extensions.get(OPENAI_CHAT, {})}
    kept.pop("prefix", None)
    request = replace(
        request,
        messages=tuple(messages),
        extensions={**request.extensions, OPENAI_CHAT: kept},
        tools=tuple(_tools(request, losses)),
    )
    rendered = _OPENAI.render_request(request)
    losses += [
        replace(loss, feature=renamed_feature(loss.feature))
        for loss in rendered.losses
        if loss.feature not in _NOT_LOST
    ]
    tree = _mistral_tree(msgspec.json.decode(rendered.body))
    if not is_own:
        fit_effort(request, tree, losses)
        tree["messages"] = _bridged(tree["messages"], losses)
    return Rendered(msgspec.json.encode(tree), tuple(losses))


def _sharing(request: ChatRequest) -> ChatRequest:
    """The request, with OpenAI members that mean the same in Mistral's API."""
    given = request.extensions.get(OPENAI_CHAT, {})
    shared = {key: given[key] for key in _SHARED if key in given}
    if not shared:
        return request
    rest = {key: value for key, value in given.items() if key not in shared}
    own = {**shared, **request.extensions.get(CHAT, {})}
    return replace(request, extensions={**request.extensions, OPENAI_CHAT: rest, CHAT: own})


def _field_losses(request: ChatRequest) -> list[Loss]:
    lost = {
        "logit_bias": bool(request.logit_bias),
        "audio": "audio" in request.modalities,
        "modalities.image": "image" in request.modalities,
        "user": bool(request.user),
        "store": request.store is True,
        "service_tier": request.service_tier not in (None, "default", *_TIERS)
        and CHAT not in request.extensions,
    }
    return [Loss(feature, feature, "dropped") for feature, is_lost in lost.items() if is_lost]


def _offering(request: ChatRequest, losses: list[Loss]) -> ChatRequest:
    """The request with only the tools that may be chosen: Mistral can name one, not some."""
    choice = request.tool_choice
    if choice is None or choice.mode == "none" or not choice.names:
        return request
    if choice.mode == "required" and len(choice.names) == 1:
        return request
    named = tuple(t for t in request.tools if isinstance(t, Opaque) or t.name in choice.names)
    if len(named) < len(request.tools):
        detail = "only the allowed tools are offered"
        losses.append(Loss("tool_choice.names", "tool_choice", "approximated", detail))
    return replace(request, tools=named or request.tools, tool_choice=ToolChoice(choice.mode))


def _tools(request: ChatRequest, losses: list[Loss]) -> Sequence[Tool | Opaque]:
    kept: list[Tool | Opaque] = []
    for tool in request.tools:
        if isinstance(tool, Tool) and tool.kind == "custom":
            losses.append(Loss("tools.custom", "tools", "dropped", tool.name))
        else:
            kept.append(tool)
    return kept


def _mistral_tree(tree: dict[str, Any]) -> dict[str, Any]:
    for openais, own in _RENAMED:
        if openais in tree:
            tree[own] = tree.pop(openais)
    for key in _UNKNOWN:
        tree.pop(key, None)
    if tree.get("service_tier") not in (None, *_TIERS):
        del tree["service_tier"]
    if tree.get("tool_choice") == "required":
        tree["tool_choice"] = "any"
    for tool in tree.get("tools") or ():
        function = tool.get("function")
        if isinstance(function, dict):
            function.setdefault("parameters", _NO_PARAMETERS)
    tree["messages"] = _mistral_messages(tree["messages"])
    return tree


def _mistral_messages(messages: Sequence[dict[str, Any]]) -> list[Any]:
    written = [_mistral_message(message) for message in messages]
    last = written[-1] if written else {}
    if last.get("role") == "assistant" and not last.get("tool_calls"):
        last.setdefault("prefix", True)
    return written


def _bridged(messages: Sequence[dict[str, Any]], losses: list[Loss]) -> list[dict[str, Any]]:
    """The messages with an answer between a tool's result and a question, and no empty answers.

    Unlike other vendors' models, not all of Mistral's accept a question there, nor an empty answer.
    """
    written: list[dict[str, Any]] = []
    for message in messages:
        if message["role"] == "assistant" and not any(map(message.get, ("content", "tool_calls"))):
            continue
        if message["role"] == "user" and written and written[-1]["role"] == "tool":
            detail = "an answer stands between a tool's result and a question"
            losses.append(Loss("messages.order", "messages", "approximated", detail))
            written.append(_BRIDGE)
        written.append(message)
    return written


def _mistral_message(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if isinstance(content, list):
        message["content"] = [_mistral_part(part) for part in content]
    elif content is None and "content" in message:
        message["content"] = ""
    return message


def _mistral_part(part: Mapping[str, Any]) -> Mapping[str, Any]:
    match part.get("type"):
        case "audio_url":
            rest = {key: value for key, value in part.items() if key != "audio_url"}
            return {**rest, "type": "input_audio", "input_audio": part["audio_url"]}
        case "input_audio" if "$table" in part:
            return {key: value for key, value in part.items() if key != "$table"}
        case "file" if isinstance(part.get("file"), dict):
            rest = {key: value for key, value in part.items() if key != "file"}
            return {**rest, **part["file"]}
    return part
