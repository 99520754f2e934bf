"""Virtual keys: who may call the gateway, what, from where and until when."""

from .plugin import VirtualKeys

__all__ = ["VirtualKeys"]
