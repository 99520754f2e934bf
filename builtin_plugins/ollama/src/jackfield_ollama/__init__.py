"""The Ollama API: its dialects, its endpoints and its provider."""

from .plugin import Ollama

__all__ = ["Ollama"]
