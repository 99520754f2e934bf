"""All laws, in the order in which they are checked."""

from typing import Final

from .answers import ANSWERS
from .attempts import ATTEMPTS
from .awaiting import AWAITING
from .cancellation import CANCELLATION
from .changes import CHANGES
from .chunks import CHUNKS
from .configuration import CONFIGURATION
from .construction import CONSTRUCTION
from .declaration import DECLARATION
from .event_loop import EVENT_LOOP
from .failures import FAILURES
from .idle_hooks import IDLE_HOOKS
from .introspection import INTROSPECTION
from .isolation import ISOLATION
from .kernel import KERNEL
from .life_cycle import LIFE_CYCLE
from .request_kinds import REQUEST_KINDS
from .secrecy import SECRECY
from .settling import SETTLING
from .timings import TIMINGS
from .upstream import UPSTREAM

LAWS: Final = (
    # First: what a plugin has changed once looks unchanged from then on.
    *KERNEL,
    *DECLARATION,
    *CONFIGURATION,
    *CONSTRUCTION,
    *ANSWERS,
    *LIFE_CYCLE,
    *INTROSPECTION,
    *SETTLING,
    *REQUEST_KINDS,
    *ISOLATION,
    *CHUNKS,
    *IDLE_HOOKS,
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
