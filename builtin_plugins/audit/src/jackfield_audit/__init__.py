"""An audit trail of what administrators change and, if wanted, of what callers ask."""

from .plugin import Audit

__all__ = ["Audit"]
