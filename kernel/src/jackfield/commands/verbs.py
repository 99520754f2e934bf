"""What a collection's command does: sends a request, and shows the answer."""

from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attrs import field, frozen

from jackfield._cli.terminal import Line, doubtful, faint, good, name, output, strong
from jackfield.admin.attributes import Attribute, attributes_of
from jackfield.admin.collection import Action, Collection
from jackfield.admin.guard import ADDED
from jackfield.commands.client import AdminClient, segment
from jackfield.commands.options import given_fields
from jackfield.errors import ConfigError

_MOST_COLUMNS = 6
_HEADERS = ("if-match", "idempotency-key")


@frozen
class Verbs:
    """The commands of one collection; each returns its exit code."""

    collection: type[Collection[Any]]
    attributes: Mapping[str, Attribute] = field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "attributes", attributes_of(self.collection.Item))

    def create(self, client: AdminClient, arguments: Namespace) -> int:
        """Create an item."""
        given = given_fields(arguments, self.attributes)
        made = client.send("POST", self._path(), given, _headers(arguments))
        self._tell("created", made, arguments)
        return 0

    def list(self, client: AdminClient, arguments: Namespace) -> int:
        """List all items, or one page of them."""
        query = {"limit": arguments.limit}
        for filter in arguments.where:
            key, equals, value = filter.partition("=")
            if not (key and equals) or key in query:
                raise ConfigError([f"--where: expected FIELD=VALUE, each once, found {filter!r}"])
            query[key] = value
        if arguments.after:
            query["after"] = arguments.after
        page = client.get(self._path(), query)
        terminal = output()
        if arguments.json:
            terminal.json(page)
            return 0
        columns = self._columns(page["data"])
        rows = [[_cell(one.get(column)) for column in columns] for one in page["data"]]
        terminal.table(columns, [(name(str(row[0])), *row[1:]) for row in rows])
        if not rows:
            terminal.line(faint(f"no {self.collection.name}"))
        if page["next"]:
            terminal.line(faint("there are more: "), f"--after {page['next']}")
        return 0

    def show(self, client: AdminClient, arguments: Namespace) -> int:
        """Show one item."""
        self._tell("", client.get(self._path(arguments.id)), arguments)
        return 0

    def update(self, client: AdminClient, arguments: Namespace) -> int:
        """Update one item."""
        given = given_fields(arguments, self.attributes)
        patch = {**given, **dict.fromkeys(arguments.unset)}
        if not patch:
            raise ConfigError([f"{arguments.prog}: no changes were given"])
        path = self._path(arguments.id)
        self._tell("changed", client.send("PATCH", path, patch, _headers(arguments)), arguments)
        return 0

    def delete(self, client: AdminClient, arguments: Namespace) -> int:
        """Delete one item."""
        path = self._path(arguments.id)
        deleted = client.send("DELETE", path, headers=_headers(arguments))
        if arguments.json:
            output().json(deleted)
        else:
            output().line(good("deleted "), self.collection.singular, " ", name(deleted["id"]))
        return 0

    def acting(self, action: Action) -> Callable[[AdminClient, Namespace], int]:
        """The function that carries out one of the collection's own actions."""

        def act(client: AdminClient, arguments: Namespace) -> int:
            given = given_fields(arguments, attributes_of(action.Given))
            path = f"{self._path(arguments.id)}/{action.name}"
            made = client.send("POST", path, given, _headers(arguments))
            self._tell(f"{action.name.removesuffix('e')}ed", made, arguments)
            return 0

        return act

    def _path(self, *ids: str) -> str:
        return "/".join(("/jackfield", self.collection.name, *map(segment, ids)))

    def _columns(self, listed: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        columns = self.collection.columns or tuple(self.attributes)[:_MOST_COLUMNS]
        if columns[0] in ("id", self.collection.label) and all(
            one["id"] == one.get(columns[0]) for one in listed
        ):
            return columns
        return ("id", *(column for column in columns if column != "id"))

    def _tell(self, done: str, one: Mapping[str, Any], arguments: Namespace) -> None:
        """Show an item, and at the end anything that is revealed only this once."""
        terminal = output()
        if arguments.json:
            terminal.json(one)
            return
        if done:
            terminal.line(good(f"{done} "), self.collection.singular, " ", name(one["id"]))
        usual = {*self.attributes, *self.collection.facts, *ADDED}
        known = [key for key in one if key in usual]
        rows: list[tuple[str, Line]] = [(key, _cell(one[key])) for key in known]
        terminal.panel(f"{self.collection.singular} {one['id']}", rows)
        for key, value in one.items():
            if key not in known:
                terminal.line(strong(key), doubtful(" (shown only now)"))
                terminal.line(_cell(value))


def _headers(arguments: Namespace) -> dict[str, str]:
    """The headers of the options that were given."""
    given = {name: getattr(arguments, name.replace("-", "_"), None) for name in _HEADERS}
    return {name: value for name, value in given.items() if value}


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_cell(member) for member in value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={_cell(member)}" for key, member in value.items())
    return str(value)
