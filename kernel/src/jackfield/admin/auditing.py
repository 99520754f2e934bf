"""Passes changes to auditors; none of them may be skipped."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from jackfield.admin.change import AdminChange, Auditor
from jackfield.admin.errors import AuditUnavailable

_SECONDS: Final = 3.0
_logger = logging.getLogger("jackfield.admin")


async def audit(auditors: Sequence[Auditor], change: AdminChange) -> None:
    """Pass a change to all auditors, one after another. Raises AuditUnavailable if one fails."""
    for auditor in auditors:
        try:
            async with asyncio.timeout(_SECONDS):
                await auditor(change)
        except Exception as error:  # noqa: BLE001 - whatever the reason, the change is not audited
            _logger.error("a change (%s) is not audited: %s", change.outcome, type(error).__name__)
            raise AuditUnavailable(
                "The audit log cannot be written, so nothing was changed; try again later."
            ) from None
