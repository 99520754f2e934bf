"""In which dialect to call an API for what a client asks in its own dialect."""

from collections.abc import Callable, Collection, Sequence

from jackfield.dialects import Dialect

_MOST = 1024


class Routes:
    """The dialects that one API speaks, and the routes to them from each client dialect.

    Dialects that requests can be translated into have a path in `paths`. `speaks` says whether a
    dialect applies to a model.
    """

    def __init__(
        self,
        dialects: Sequence[Dialect],
        paths: Collection[str],
        speaks: Callable[[Dialect, str], bool],
    ) -> None:
        self._dialects = dialects
        self._paths = paths
        self._speaks = speaks
        self._unknown: set[str] = set()
        self._found: dict[tuple[Dialect, str], list[Dialect]] = {}

    def lead_from(self, client: Dialect) -> bool:
        """Whether requests in a dialect can be sent to the API."""
        return any(client is other or self._translates(client, other) for other in self._dialects)

    def of(self, client: Dialect, model: str) -> list[Dialect]:
        """At most two dialects to call the API in, the client's own one first."""
        routes = self._found.get((client, model))
        if routes is None:
            if len(self._found) >= _MOST:
                self._found.clear()
            routes = self._found[client, model] = self._find(client, model)
        return routes

    def forget(self, dialect: Dialect) -> None:
        """Stop using a dialect that the API has turned out not to know."""
        self._unknown.add(dialect.name)
        self._found.clear()

    def _find(self, client: Dialect, model: str) -> list[Dialect]:
        usable = [
            dialect
            for dialect in self._dialects
            if dialect.name not in self._unknown and self._speaks(dialect, model)
        ]
        own = [dialect for dialect in usable if dialect is client]
        others = [other for other in usable if self._translates(client, other)]
        if own:  # variants such as "vendor.chat@other" share its path
            others = [other for other in others if _wire(other) != _wire(client)]
        return [*own, *others][:2]

    def _translates(self, client: Dialect, other: Dialect) -> bool:
        two = client is not other and client.translates and other.translates
        return two and client.canonical == other.canonical and other.name in self._paths


def _wire(dialect: Dialect) -> str:
    return dialect.name.partition("@")[0]
