"""All laws, in the order in which they are checked."""

from typing import Final

from .answers import ANSWERS
from .attempts import ATTEMPTS
from .awaiting import AWAITING
from .cancellation import CANCELLATION
from .changes import CHANGES
from .chunks import CHUNKS
from .company import COMPANY
from .configuration import CONFIGURATION
from .construction import CONSTRUCTION
from .declaration import DECLARATION
from .event_loop import EVENT_LOOP
from .failures import FAILURES
from .idleness import IDLENESS
from .kernel import KERNEL
from .life_cycle import LIFE_CYCLE
from .questions import QUESTIONS
from .reach import REACH
from .secrecy import SECRECY
from .settling import SETTLING
from .timings import TIMINGS
from .upstream import UPSTREAM

LAWS: Final = (
    *DECLARATION,
    *CONFIGURATION,
    *CONSTRUCTION,
    *ANSWERS,
    *LIFE_CYCLE,
    *QUESTIONS,
    *KERNEL,
    *SETTLING,
    *REACH,
    *COMPANY,
    *CHUNKS,
    *IDLENESS,
    *ATTEMPTS,
    *FAILURES,
    *CHANGES,
    *TIMINGS,
    *CANCELLATION,
    *SECRECY,
    *EVENT_LOOP,
    *AWAITING,
    *UPSTREAM,
)
