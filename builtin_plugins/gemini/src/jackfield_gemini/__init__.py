"""The Gemini API: its dialects, its endpoints and its provider."""

from .plugin import Gemini

__all__ = ["Gemini"]
