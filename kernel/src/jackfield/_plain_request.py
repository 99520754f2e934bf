"""Recognizes the usual request, with nothing but text and functions."""

from typing import Any, Final

# Members that can make a request longer, or dearer, than its size and its limit suggest.
_RARE: Final = frozenset(
    (
        *("n", "best_of", "num_generations", "prediction"),
        *("modalities", "audio", "images"),
        *("service_tier", "serviceTier", "speed", "cache_control"),
        *("web_search_options", "plugins", "mcp_servers", "container", "context_management"),
        # what the provider keeps
        *("cachedContent", "cached_content", "prompt"),
        *("conversation", "previous_response_id", "thread"),
    )
)

# The same of a message, a part, or the settings of an answer.
_MEDIA: Final = frozenset(
    (
        *("image", "image_url", "input_image", "images"),
        *("audio", "input_audio", "video", "video_url"),
        *("document", "document_url", "file", "file_id", "file_data", "file_url", "fileData"),
        *("source", "inlineData", "inline_data", "bytes", "s3Location"),
        *("candidateCount", "candidate_count", "responseModalities", "response_modalities", "ttl"),
    )
)

_TALK: Final = frozenset(
    (
        "messages",
        "input",
        "contents",
        "system",
        "systemInstruction",
        "instructions",
        "generationConfig",
        "generation_config",
    )
)
_DECLARATIONS: Final = frozenset(("functionDeclarations", "function_declarations"))


def is_plain(tree: Any) -> bool:
    """Whether it asks for one answer about text and functions alone: its length then says all."""
    if type(tree) is not dict or not _RARE.isdisjoint(tree):
        return False
    for name in _TALK.intersection(tree):
        value = tree[name]
        if type(value) is not str and not _is_text(value):
            return False
    config = tree.get("toolConfig")
    if type(config) is dict and "tools" in config and "systemTool" in str(config["tools"]):
        return False
    tools = tree.get("tools")
    return not tools or (type(tools) is list and all(map(_is_function, tools)))


def _is_text(value: Any) -> bool:
    kind = type(value)
    if kind is dict:
        if not _MEDIA.isdisjoint(value):
            return False
        value = value.values()
    elif kind is not list:
        return True
    for one in value:
        if type(one) is str or _is_text(one):
            continue
        return False
    return True


def _is_function(tool: Any) -> bool:
    if type(tool) is not dict:
        return False
    kept = tool.get("cache_control")
    if type(kept) is dict and "ttl" in kept:
        return False
    kind = tool.get("type")
    if kind is None:
        return "name" in tool or _DECLARATIONS.issuperset(tool)
    return kind in ("function", "custom")
