"""Budgets that cannot be overspent: in money or tokens, nested, across processes."""

from .plugin import Budgets

__all__ = ["Budgets"]
