"""The Mistral API: its dialects, its endpoints and its provider."""

from .plugin import Mistral

__all__ = ["Mistral"]
