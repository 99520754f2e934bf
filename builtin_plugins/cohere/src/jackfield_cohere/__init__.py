"""The Cohere API: its dialects, its endpoints and its provider."""

from .plugin import Cohere

__all__ = ["Cohere"]
