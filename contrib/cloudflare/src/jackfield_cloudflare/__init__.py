"""Cloudflare Workers AI on both sides of the gateway."""

from .plugin import Cloudflare
from .rerank import RERANK
from .run import RUN

__all__ = ["RERANK", "RUN", "Cloudflare"]
