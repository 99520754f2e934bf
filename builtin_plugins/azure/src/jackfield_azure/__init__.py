"""Azure OpenAI and Azure AI Foundry: their endpoints and their provider."""

from .plugin import Azure

__all__ = ["Azure"]
