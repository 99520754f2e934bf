"""The laws of the contract, one noun a file."""

from .catalogue import LAWS

__all__ = ["LAWS"]
