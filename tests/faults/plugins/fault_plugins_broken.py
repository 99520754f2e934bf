"""Fails while it is imported."""

raise RuntimeError("broken by an upgrade")
