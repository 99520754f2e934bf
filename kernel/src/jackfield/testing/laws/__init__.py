"""The laws of the contract, one subject per file."""

from .catalogue import LAWS

__all__ = ["LAWS"]
