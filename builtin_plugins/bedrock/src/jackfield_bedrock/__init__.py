"""Amazon Bedrock: its dialects, its endpoints and its provider."""

from .plugin import Bedrock

__all__ = ["Bedrock"]
