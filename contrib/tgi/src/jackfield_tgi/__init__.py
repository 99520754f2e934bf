"""The native API of Hugging Face's Text Generation Inference on both sides."""

from .dialect import COMPAT, GENERATE, Compat, Generate
from .plugin import Tgi

__all__ = ["COMPAT", "GENERATE", "Compat", "Generate", "Tgi"]
