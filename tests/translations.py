"""Recorded answers of one dialect, as the clients of another one read them."""

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase

import pytest
from attrs import evolve
from tests.score.answers import CLIENTS, Reader, compared
from tests.score.limits import explanation
from tests.score.traffic import DIALECTS, Recorded, recorded

from jackfield.dialects import installed


def answered(dialect: str) -> list[Recorded]:
    """The answers of a dialect, whoever gave them, that somebody else has read as well."""
    of_it = [one for one in recorded() if dialect in (one.name, DIALECTS[one.exchange.dialect])]
    return [
        one if one.name == dialect else evolve(one, name=dialect, dialect=installed(dialect))
        for one in of_it
        if one.exchange.expect
    ]


def check_translations(
    dialect: str,
    client: str | Reader,
    *,
    losses: Collection[str] = (),
    harm: Collection[str] = (),
    untold: Collection[str] = (),
) -> Callable[..., None]:
    """A test that has a client read each answer of a dialect, whole or streamed.

    It reads what somebody else has read in the recording, but for what `tests/score/limits.toml`
    explains, and for the features `untold` that the client's dialect has no place for. No more is
    lost than `losses`, which may be patterns, and `harm`, with which an answer reads otherwise.
    """
    name, reader = (client, CLIENTS[client]) if isinstance(client, str) else ("*", client)

    @pytest.mark.parametrize("one", answered(dialect), ids=lambda one: str(one.id))
    def test_translation(one: Recorded) -> None:
        found = compared(one, reader)
        unnamed = [x for x in found.losses if not _any(x, (*losses, *harm))]
        assert not unnamed, unnamed
        missed = [miss for miss in found.misses if not explanation(name, miss)]
        missed = [miss for miss in missed if not _any(miss.feature, untold)]
        assert not missed or set(harm) & set(found.losses), missed

    return test_translation


def _any(name: str, patterns: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
