"""Anthropic's betas for Claude on Vertex AI, which refuses unknown ones."""

from typing import Final

_KNOWN: Final = frozenset(
    {
        "compact-2026-01-12",
        "computer-use-2025-01-24",
        "computer-use-2025-11-24",
        "context-1m-2025-08-07",
        "context-management-2025-06-27",
        "interleaved-thinking-2025-05-14",
        "tool-search-tool-2025-10-19",
        "web-search-2025-03-05",
    }
)
_RENAMED: Final = {"advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19"}


def known_betas(named: str) -> str:
    """The known betas of a header for Anthropic's own API, by their names on Vertex AI.

    Source: the API's answers to each, as reported for coding agents and other gateways.
    """
    betas = [beta.strip() for beta in named.split(",")]
    here = [_RENAMED.get(beta, beta) for beta in betas]
    return ",".join(beta for beta in dict.fromkeys(here) if beta in _KNOWN)
