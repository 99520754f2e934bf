"""Limits of requests, tokens and concurrent requests, exact across processes."""

from .plugin import RateLimits

__all__ = ["RateLimits"]
