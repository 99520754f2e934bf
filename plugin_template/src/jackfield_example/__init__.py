"""Labels requests, and refuses those that say a forbidden word."""

from .plugin import Example

__all__ = ["Example"]
