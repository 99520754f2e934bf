"""Cloudflare Workers AI: its endpoints and its provider."""

from .plugin import Cloudflare
from .rerank import RERANK
from .run import RUN

__all__ = ["RERANK", "RUN", "Cloudflare"]
