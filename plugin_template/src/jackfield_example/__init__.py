"""Labels requests, and refuses those that contain a forbidden word."""

from .plugin import Example

__all__ = ["Example"]
