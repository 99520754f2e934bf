"""Which misses are explained: limits of a client's dialect, or of the recording."""

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from attrs import frozen

from .answers import Miss

FILE = Path(__file__).with_name("limits.toml")


@frozen
class Limit:
    """One entry of limits.toml; all of its patterns must match."""

    client: str
    feature: str
    why: str
    reason: str
    ids: tuple[str, ...] = ("*",)
    loss: str | None = None

    def explains(self, client: str, miss: Miss) -> bool:
        """Whether the miss is one of these, and reported to the client where it should be."""
        return (
            fnmatchcase(client, self.client)
            and fnmatchcase(miss.feature, self.feature)
            and any(fnmatchcase(miss.id, pattern) for pattern in self.ids)
            and (self.loss is None or self.loss in miss.losses)
        )


@cache
def limits() -> tuple[Limit, ...]:
    """All entries."""
    entries = tomllib.loads(FILE.read_text())["limit"]
    return tuple(Limit(**{**entry, "ids": tuple(entry.get("ids", ["*"]))}) for entry in entries)


def explanation(client: str, miss: Miss) -> Limit | None:
    """The first entry that explains a miss."""
    return next((limit for limit in limits() if limit.explains(client, miss)), None)
