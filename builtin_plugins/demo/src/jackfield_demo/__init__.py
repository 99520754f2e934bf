"""A provider that answers without a key and without a network."""

from .plugin import Demo

__all__ = ["Demo"]
