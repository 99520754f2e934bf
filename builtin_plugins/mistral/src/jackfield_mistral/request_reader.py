"""Parses Mistral's chat requests, by converting them to OpenAI's form first."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from jackfield.dialects import installed
from jackfield.errors import InvalidRequest
from jackfield.messages import ChatRequest, Message, Part, Reasoning
from jackfield.proofs import unseal

from .names import CHAT, exchanged

_OPENAI: Final = installed("openai.chat")
_WAV: Final = "UklGR"
"""The first bytes of a WAV file, in base64."""


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """The canonical form of a request body."""
    request = _OPENAI.parse_request(_openai_tree(tree), params)
    if not isinstance(request, ChatRequest):
        raise TypeError("the request is not one for a chat")
    request = exchanged(request)
    extensions = dict(request.extensions)
    if _is_prefixed(request.messages):
        # Repeated here so that dialects which cannot continue a text report the loss.
        extensions[CHAT] = {**extensions.get(CHAT, {}), "prefix": True}
    messages = tuple(_with_proofs(message) for message in request.messages)
    return replace(request, messages=messages, include_usage=True, extensions=extensions)


def _is_prefixed(messages: tuple[Message, ...]) -> bool:
    last = messages[-1] if messages else None
    return last is not None and last.extensions.get(CHAT, {}).get("prefix") is True


def _with_proofs(message: Message) -> Message:
    """The message with other vendors' proofs unsealed."""
    if not any(isinstance(part, Reasoning) and part.signature for part in message.parts):
        return message
    return replace(message, parts=tuple(_proven(part) for part in message.parts))


def _proven(part: Part) -> Part:
    if not isinstance(part, Reasoning):
        return part
    thought = unseal(part.signature)
    return part if thought is None else replace(thought, text=part.text)


def _openai_tree(tree: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    changed = dict(tree)
    if "random_seed" in changed:
        seed = changed.pop("random_seed")
        if type(seed) is not int and seed is not None:
            raise InvalidRequest("'random_seed' must be an integer.", param="random_seed")
        changed["seed"] = seed
    if changed.get("tool_choice") == "any":
        changed["tool_choice"] = "required"
    messages = changed.get("messages")
    if isinstance(messages, list):
        changed["messages"] = [_openai_message(message) for message in messages]
    return changed


def _openai_message(message: Any) -> Any:
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    return {**message, "content": [_openai_part(part) for part in content]}


def _openai_part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    audio, file_id = part.get("input_audio"), part.get("file_id")
    match part.get("type"):
        case "input_audio" if isinstance(audio, str):
            return _openai_audio(part, audio)
        case "input_audio":  # OpenAI's form, which Mistral accepts too
            return {**part, "$table": True}
        case "file" if isinstance(file_id, str):
            rest = {key: value for key, value in part.items() if key != "file_id"}
            return {**rest, "file": {"file_id": file_id}}
        case "thinking" if part.get("signature") is None:
            return {key: value for key, value in part.items() if key != "signature"}
    return part


def _openai_audio(part: dict[str, Any], audio: str) -> dict[str, Any]:
    if audio.startswith(("http://", "https://")):
        rest = {key: value for key, value in part.items() if key != "input_audio"}
        return {**rest, "type": "audio_url", "audio_url": audio}
    kind = "wav" if audio.startswith(_WAV) else "mp3"
    return {**part, "input_audio": {"data": audio, "format": kind}}
