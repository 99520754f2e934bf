"""In which dialect to call an API for what a client asks in its own dialect."""

from collections.abc import Callable, Collection, Sequence

from jackfield.dialects import Dialect

_MOST = 1024


class Routes:
    """The dialects that one API speaks, and the routes to them from each client dialect.

    Dialects that requests can be translated into have a path in `paths`. `speaks` says whether a
    dialect applies to a model, for APIs where that differs.
    """

    def __init__(
        self,
        spoken: Sequence[Dialect],
        paths: Collection[str],
        speaks: Callable[[Dialect, str], bool] | None,
    ) -> None:
        self._spoken = spoken
        self._paths = paths
        self._speaks = speaks
        self._unknown: set[str] = set()
        self._found: dict[tuple[Dialect, str], list[Dialect]] = {}

    def lead_from(self, mine: Dialect) -> bool:
        """Whether anything asked in a dialect can be sent to the API."""
        return any(mine is other or self._translates(mine, other) for other in self._spoken)

    def of(self, mine: Dialect, model: str) -> list[Dialect]:
        """At most two dialects to call the API in, the client's own one first."""
        key = (mine, model if self._speaks else "")
        routes = self._found.get(key)
        if routes is None:
            if len(self._found) >= _MOST:
                self._found.clear()
            routes = self._found[key] = self._find(mine, model)
        return routes

    def forget(self, dialect: Dialect) -> None:
        """Stop using a dialect that the API has turned out not to know."""
        self._unknown.add(dialect.name)
        self._found.clear()

    def _find(self, mine: Dialect, model: str) -> list[Dialect]:
        usable = [
            dialect
            for dialect in self._spoken
            if dialect.name not in self._unknown
            and (self._speaks is None or self._speaks(dialect, model))
        ]
        own = [dialect for dialect in usable if dialect is mine]
        others = [other for other in usable if self._translates(mine, other)]
        if own:  # variants such as "vendor.chat@other" share its path
            others = [other for other in others if _wire(other) != _wire(mine)]
        return [*own, *others][:2]

    def _translates(self, mine: Dialect, other: Dialect) -> bool:
        two = mine is not other and mine.translates and other.translates
        return two and mine.canonical == other.canonical and other.name in self._paths


def _wire(dialect: Dialect) -> str:
    return dialect.name.partition("@")[0]
