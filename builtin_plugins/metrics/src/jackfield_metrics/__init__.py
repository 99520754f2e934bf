"""Metrics for Prometheus: requests, latency, tokens, cost, attempts and plugins."""

from .plugin import Metrics

__all__ = ["Metrics"]
