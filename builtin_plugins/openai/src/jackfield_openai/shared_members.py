"""Members of chats that mean the same elsewhere: in Responses, or in Mistral's chats."""

from collections.abc import Iterable
from typing import Any, Final

from jackfield.messages import Extensions

IN_RESPONSES: Final = (
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "safety_identifier",
    "moderation",
)
"""Members that have the same names in Responses."""

OF_MISTRAL: Final = ("prompt_cache_key", "prediction")


def shared(extensions: Extensions, names: Iterable[str]) -> dict[str, Any]:
    """Those of the members that a request of either vendor has set."""
    mistrals, openais = extensions.get("mistral.chat", {}), extensions.get("openai.chat", {})
    held = {**{key: mistrals.get(key) for key in OF_MISTRAL}, **openais}
    return {key: held[key] for key in names if held.get(key) is not None}
