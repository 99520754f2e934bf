"""The Anthropic API: its dialects, its endpoints and its provider."""

from .plugin import Anthropic

__all__ = ["Anthropic"]
