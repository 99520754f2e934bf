"""The upstream client: pooled HTTP/1.1 to configured origins, with deadlines and limits."""

from .answer import Answer
from .client import Client
from .headers import header_lines
from .origin import Origin

__all__ = ["Answer", "Client", "Origin", "header_lines"]
