"""Token counts of Google's other endpoints: interactions, and those in OpenAI's form."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from jackfield.messages import Usage

from .fields import NAME
from .usage import count_of, read_usage

_COUNTS: Final = {
    "total_input_tokens": "promptTokenCount",
    "total_output_tokens": "candidatesTokenCount",
    "total_thought_tokens": "thoughtsTokenCount",
    "total_tool_use_tokens": "toolUsePromptTokenCount",
    "total_cached_tokens": "cachedContentTokenCount",
}
_DETAILS: Final = {
    "input_tokens_by_modality": "promptTokensDetails",
    "output_tokens_by_modality": "candidatesTokensDetails",
    "tool_use_tokens_by_modality": "toolUsePromptTokensDetails",
    "cached_tokens_by_modality": "cacheTokensDetails",
}
"""Members of an interaction's usage with other names than in answers."""

_UNITS: Final = {"google_search": "web_search", "google_maps": "maps"}


def usage_in(value: Mapping[str, Any]) -> Usage | None:
    """The usage of an interaction, of an answer, or of one in OpenAI's form."""
    wire = value.get("usage")
    if not isinstance(wire, dict):
        return read_usage(value.get("usageMetadata"))
    if "prompt_tokens" in wire:
        return _in_openais_form(wire)
    counts = {_COUNTS[key]: count for key, count in wire.items() if key in _COUNTS}
    details = {_DETAILS[key]: _details(listed) for key, listed in wire.items() if key in _DETAILS}
    usage = read_usage({**counts, **details}) or Usage()
    return replace(usage, units=_units(wire), extensions={NAME: wire})


def _dicts(listed: Any) -> list[dict[str, Any]]:
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _details(listed: Any) -> list[dict[str, Any]]:
    return [
        {"modality": str(one.get("modality")).upper(), "tokenCount": one.get("tokens")}
        for one in _dicts(listed)
    ]


def _units(wire: Mapping[str, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in _dicts(wire.get("grounding_tool_count")):
        unit = _UNITS.get(str(one.get("type")))
        if unit is not None and count_of(one, "count"):
            found[unit] = found.get(unit, 0) + count_of(one, "count")
    return found


def _in_openais_form(wire: Mapping[str, Any]) -> Usage:
    """The usage of Google's OpenAI-compatible endpoint; only its total includes thoughts."""
    prompt, completion = count_of(wire, "prompt_tokens"), count_of(wire, "completion_tokens")
    total = count_of(wire, "total_tokens")
    thoughts = max(total - max(prompt, 0) - max(completion, 0), min(total, 0))
    cached = wire.get("prompt_tokens_details")
    return Usage(
        input_tokens=prompt,
        output_tokens=completion + thoughts,
        cached_input_tokens=count_of(cached, "cached_tokens") if isinstance(cached, dict) else 0,
        reasoning_tokens=thoughts,
        extensions={NAME: wire},
    )
