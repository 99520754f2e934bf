"""The native API of Hugging Face's Text Generation Inference, for servers and clients."""

from .dialect import COMPAT, GENERATE, Compat, Generate
from .plugin import Tgi

__all__ = ["COMPAT", "GENERATE", "Compat", "Generate", "Tgi"]
