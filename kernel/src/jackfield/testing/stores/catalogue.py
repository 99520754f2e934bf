"""All promises, in the order in which they are checked."""

from typing import Final

from .accounts import ACCOUNTS
from .leases import LEASES
from .messages import MESSAGES
from .postings import POSTINGS
from .processes import PROCESSES
from .promise import Promise
from .values import VALUES

PROMISES: Final[tuple[Promise, ...]] = (
    *VALUES,
    *ACCOUNTS,
    *POSTINGS,
    *LEASES,
    *MESSAGES,
    *PROCESSES,
)
