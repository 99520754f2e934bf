"""Usage from AWS's response headers: counts that many bodies lack, and the service tier."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from jackfield.messages import Usage

from .usage import OPTIMIZED

_INPUT: Final = "x-amzn-bedrock-input-token-count"
_OUTPUT: Final = "x-amzn-bedrock-output-token-count"
_CACHED: Final = "x-amzn-bedrock-cache-read-input-token-count"
_WRITTEN: Final = "x-amzn-bedrock-cache-write-input-token-count"
_TIER: Final = "x-amzn-bedrock-service-tier"
_LATENCY: Final = "x-amzn-bedrock-performanceconfig-latency"
_USUAL: Final = "default"

PASSED: Final = frozenset(
    {
        _INPUT,
        _OUTPUT,
        _CACHED,
        _WRITTEN,
        _TIER,
        "x-amzn-bedrock-invocation-latency",
        _LATENCY,
    }
)
"""Response headers passed on to clients, as AWS's SDKs and LangChain read them."""


def usage_with(usage: Usage | None, headers: Mapping[str, str]) -> Usage | None:
    """The usage of a body, else that of the headers, with the tier named in the headers."""
    usage = usage or _counted(headers)
    tier = OPTIMIZED if headers.get(_LATENCY) == OPTIMIZED else headers.get(_TIER, _USUAL)
    if usage is None or tier in (_USUAL, usage.service_tier):
        return usage
    return replace(usage, service_tier=tier)


def _counted(headers: Mapping[str, str]) -> Usage | None:
    """The headers' counts; None if they are zero, as with generated images, or no numbers."""
    given, made = _count(headers, _INPUT), _count(headers, _OUTPUT)
    cached, written = _count(headers, _CACHED), _count(headers, _WRITTEN)
    if min(given, made, cached, written) < 0 or not (given or made):
        return None
    return Usage(
        given + cached + written, made, cached_input_tokens=cached, cache_write_tokens=written
    )


def _count(headers: Mapping[str, str], name: str) -> int:
    value = headers.get(name, "0")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 16 else -1
