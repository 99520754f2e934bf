"""Vertex AI on both sides of the gateway."""

from .plugin import Vertex

__all__ = ["Vertex"]
