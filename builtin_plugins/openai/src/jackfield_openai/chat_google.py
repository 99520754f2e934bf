"""Google's thought signatures on messages and tool calls of its OpenAI-compatible API.

They are in `extra_content.google.thought_signature` ("Thought signatures" in the guide of the
Gemini API); the canonical form is an empty thought before the part that they sign.
"""

from collections.abc import Mapping
from typing import Any

from jackfield.fields import own
from jackfield.messages import Extensions, Reasoning

from .chat_parts import NAME

KEY = "extra_content"
_NOTE = "$extra_content"
_OF_CALL = "$of_call"
_GEMINI = "gemini.generate_content"


def take_signature(rest: dict[str, Any], *, of_call: bool) -> list[Reasoning]:
    """The thought signed in the `extra_content` of a message or call, if any."""
    thought = read_signature(rest.get(KEY), of_call=of_call)
    if thought is None:
        return []
    del rest[KEY]
    return [thought]


def read_signature(extra: Any, *, of_call: bool) -> Reasoning | None:
    """The thought that an `extra_content` signs."""
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    if not isinstance(signature, str) or not signature:
        return None
    extensions = {_GEMINI: {"$of": "next"}, NAME: {_NOTE: extra, _OF_CALL: of_call}}
    return Reasoning(signature=signature, extensions=extensions)


def extra_content(extensions: Extensions) -> dict[str, Any] | None:
    """The `extra_content` in which a thought came; None for any other thought."""
    extra = own(extensions, NAME).get(_NOTE)
    return dict(extra) if isinstance(extra, Mapping) else None


def is_of_call(extensions: Extensions) -> bool:
    """Whether the signature came with the tool call after it, not with the message."""
    return bool(own(extensions, NAME).get(_OF_CALL))
