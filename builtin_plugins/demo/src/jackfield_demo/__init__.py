"""An offline provider that needs no key and no network."""

from .plugin import Demo

__all__ = ["Demo"]
