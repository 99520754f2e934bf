"""Keeps each tenant's requests in its region."""

from .plugin import RegionPinning

__all__ = ["RegionPinning"]
