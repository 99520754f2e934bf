"""All laws, in the order in which they are tried."""

from typing import Final

from .attempts import ATTEMPTS
from .cancellation import CANCELLATION
from .changes import CHANGES
from .chunks import CHUNKS
from .configuration import CONFIGURATION
from .construction import CONSTRUCTION
from .declaration import DECLARATION
from .event_loop import EVENT_LOOP
from .failures import FAILURES
from .idleness import IDLENESS
from .kernel import KERNEL
from .life_cycle import LIFE_CYCLE
from .secrecy import SECRECY
from .settling import SETTLING
from .timings import TIMINGS
from .upstream import UPSTREAM

LAWS: Final = (
    *DECLARATION,
    *CONFIGURATION,
    *CONSTRUCTION,
    *LIFE_CYCLE,
    *KERNEL,
    *SETTLING,
    *CHUNKS,
    *IDLENESS,
    *ATTEMPTS,
    *FAILURES,
    *CHANGES,
    *TIMINGS,
    *CANCELLATION,
    *SECRECY,
    *EVENT_LOOP,
    *UPSTREAM,
)
