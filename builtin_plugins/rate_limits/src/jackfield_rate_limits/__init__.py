"""Limits of requests, tokens and requests at once, exact across processes."""

from .plugin import RateLimits

__all__ = ["RateLimits"]
