"""A coroutine that is called but not awaited does nothing, and nobody notices."""

import gc
import warnings

from jackfield.testing.harness import run_harness
from jackfield.testing.law import Law, LawBrokenError, Subject, everybody


async def awaits_its_coroutines(subject: Subject) -> None:
    """The interpreter reports no coroutine that was never awaited."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        async with run_harness(subject) as harness:
            if not subject.is_provider:
                await harness.read()
                await harness.read(stream=True)
        gc.collect()
    forgotten = [str(one.message) for one in caught if "was never awaited" in str(one.message)]
    if forgotten:
        raise LawBrokenError(f"{forgotten[0]}; write `await` before the call")


AWAITING = (
    Law("awaited", "every coroutine that is made is awaited", awaits_its_coroutines, everybody),
)
