"""Vertex AI: its dialects, its endpoints and its provider."""

from .plugin import Vertex

__all__ = ["Vertex"]
