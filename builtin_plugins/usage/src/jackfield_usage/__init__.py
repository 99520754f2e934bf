"""Usage records: who spent what, when and on what; reports, export and reconciliation."""

from .plugin import UsageRecords

__all__ = ["UsageRecords"]
