"""A law for dialects: a sentence, and a check with samples of whether a dialect obeys it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import zip_longest
from typing import Any, Literal

import msgspec
from attrs import field, frozen

from jackfield.dialects import CanonicalRequest, Dialect

from .law import LawBrokenError


@frozen
class Samples:
    """Traffic of one dialect: JSON of requests and of whole answers, and streams as received.

    The answers are to the first request. `params` are the parts of the path, for a dialect that has
    its model there.
    """

    dialect: Dialect
    requests: Sequence[Any]
    answers: Sequence[Any] = ()
    streams: Sequence[bytes] = ()
    params: Mapping[str, str] = field(factory=dict)

    def canonical_request(self) -> CanonicalRequest:
        """The request that the answers are for."""
        return self.dialect.parse_request(self.requests[0], self.params)


@frozen
class DialectLaw:
    """`id` names it in a test's id, `statement` is the sentence that a failure shows.

    It is checked with the samples called `of`.
    """

    id: str
    statement: str
    of: Literal["requests", "answers", "streams"]
    check: Callable[[Samples], None]

    def binds(self, samples: Samples) -> bool:
        """Whether there is a sample to check it with."""
        return bool(getattr(samples, self.of))

    def hold(self, samples: Samples) -> None:
        """Check the dialect. Raises LawBrokenError, which says what it did."""
        __tracebackhide__ = True
        try:
            with raises_nothing("a sample"):
                self.check(samples)
        except LawBrokenError as broken:
            what = f"{self.id}: {self.statement}\ndialect {samples.dialect.name!r}: {broken}"
            raise LawBrokenError(what) from broken.__cause__


@contextmanager
def raises_only(expected: type[Exception], given: Any) -> Iterator[None]:
    """A block that may raise an error of this kind, and nothing else."""
    with raises_nothing(given), suppress(expected):
        yield


@contextmanager
def raises_nothing(given: Any) -> Iterator[None]:
    """A block that must not raise anything."""
    try:
        yield
    except LawBrokenError:
        raise
    except Exception as error:
        raise LawBrokenError(f"{given!r} makes it raise {error!r}") from error


def difference(found: Any, wanted: Any, where: str) -> str | None:
    """The first place in which two canonical values have different meanings.

    What a dialect keeps in extensions for itself does not matter.
    """
    if type(found) is type(wanted) and isinstance(found, msgspec.Struct):
        names = [name for name in found.__struct_fields__ if name != "extensions"]
        parts = [(f".{name}", getattr(found, name), getattr(wanted, name)) for name in names]
    elif isinstance(found, tuple) and isinstance(wanted, tuple):
        pairs = zip_longest(found, wanted, fillvalue="nothing")
        parts = [(f"[{at}]", *each) for at, each in enumerate(pairs)]
    else:
        return None if found == wanted else f"{where.lstrip('.')}: {wanted!r} is now {found!r}"
    differences = (difference(there, here, where + name) for name, there, here in parts)
    return next(filter(None, differences), None)
