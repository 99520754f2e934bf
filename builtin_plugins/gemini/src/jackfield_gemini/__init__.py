"""The Gemini API on both sides of the gateway."""

from .plugin import Gemini

__all__ = ["Gemini"]
