"""The OpenAI API: its dialects, its endpoints and its provider."""

from .plugin import OpenAI

__all__ = ["OpenAI"]
