"""An audit trail of what administrators change and, optionally, of what callers request."""

from .plugin import Audit

__all__ = ["Audit"]
