"""The command of a collection: `jackfield teams create`, `list`, `show`, `update`, `delete`."""

from argparse import ArgumentParser, Namespace, _SubParsersAction
from collections.abc import Callable, Sequence
from typing import Any

from attrs import frozen

from jackfield._cli.config_option import add_config_option
from jackfield._config.wording import article, did_you_mean
from jackfield.admin.attributes import Attribute, attributes_of
from jackfield.admin.collection import Action, Collection
from jackfield.admin.listing import LARGEST_PAGE, USUAL_PAGE
from jackfield.commands.client import AdminClient, with_client
from jackfield.commands.options import add_options, add_positional
from jackfield.commands.verbs import Verbs

Fill = Callable[[ArgumentParser], None]
Use = Callable[[AdminClient, Namespace], int]


def resource_command(collection: type[Collection[Any]], examples: Sequence[str] = ()) -> Fill:
    """Make a collection's command, for an entry point of the group `jackfield.commands`.

    `examples` are lines for its help.
    """
    return _Resource(collection, examples).fill


class _Commands(_SubParsersAction):  # type: ignore[type-arg]
    """Suggests the nearest command for one that does not exist."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option: Any = None
    ) -> None:
        known = self._name_parser_map
        if values[0] not in known:
            hint = did_you_mean(values[0], known) or f"; there are: {', '.join(known)}"
            parser.error(f'unknown command "{values[0]}"{hint}')
        super().__call__(parser, namespace, values, option)


@frozen
class _Resource:
    collection: type[Collection[Any]]
    examples: Sequence[str]

    def fill(self, parser: ArgumentParser) -> None:
        one, many = article(self.collection.singular), self.collection.name
        verbs, actions = Verbs(self.collection), self.collection.actions
        parser.description = f"Manage {many}, whether the gateway runs or not."
        usual = [f"jackfield {many} {rest}" for rest in ("create --help", "list --json", "show ID")]
        parser.epilog = "\n".join(["examples:", *(f"  {line}" for line in self.examples or usual)])
        commands = parser.add_subparsers(
            title="commands", metavar="COMMAND", required=True, action=_Commands
        )

        def add(name: str, summary: str, use: Use, aliases: Sequence[str] = ()) -> ArgumentParser:
            command: ArgumentParser = commands.add_parser(name, help=summary, aliases=aliases)
            command.description = f"{summary[0].upper()}{summary[1:]}."
            add_config_option(command)
            command.add_argument("--json", action="store_true", help="write JSON")
            command.set_defaults(run=with_client(use), prog=command.prog)
            return command

        self._fill_create(add("create", f"make {one}", verbs.create))
        _fill_list(add("list", f"list the {many}", verbs.list))
        self._add_id(add("show", f"show {one}", verbs.show))
        self._fill_update(add("update", f"change {one}", verbs.update))
        revoke = () if any(action.name == "revoke" for action in actions) else ("revoke",)
        self._fill_change(add("delete", f"delete {one}", verbs.delete, revoke))
        for action in actions:
            command = add(action.name, _summary(action), verbs.acting(action))
            self._fill_change(command)
            add_options(command, attributes_of(action.Given).values(), new=True)
            _add_idempotency_key(command, "the same key does it only once within 24 hours")
        # Otherwise argparse would refuse an unknown command without a suggestion.
        commands.choices = None  # type: ignore[assignment]

    def _fill_create(self, parser: ArgumentParser) -> None:
        given = self._given(("always", "once"))
        label = next((one for one in given if one.name == self.collection.label), None)
        if label is not None:
            add_positional(parser, label)
        add_options(parser, [one for one in given if one is not label], new=True)
        _add_idempotency_key(parser, "the same key makes the same thing only once within 24 hours")

    def _fill_update(self, parser: ArgumentParser) -> None:
        given = self._given(("always",))
        self._fill_change(parser)
        add_options(parser, self._given(("always", "once")), new=False)
        parser.add_argument(
            "--unset",
            metavar="FIELD",
            action="append",
            default=[],
            choices=[one.name for one in given if not one.required],
            help="give a field its default again; may be repeated",
        )

    def _fill_change(self, parser: ArgumentParser) -> None:
        self._add_id(parser)
        parser.add_argument(
            "--if-match", metavar="ETAG", help="only if it is still as it was when it was shown"
        )

    def _add_id(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", metavar="ID", help=f"the id of the {self.collection.singular}")

    def _given(self, when: Sequence[str]) -> list[Attribute]:
        attributes = attributes_of(self.collection.Item).values()
        return [one for one in attributes if one.rights.given in when]


def _add_idempotency_key(parser: ArgumentParser, help: str) -> None:
    parser.add_argument("--idempotency-key", metavar="TEXT", help=help)


def _fill_list(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--where",
        metavar="FIELD=VALUE",
        action="append",
        default=[],
        help="only those of which a field has this value; may be repeated",
    )
    parser.add_argument(
        "--limit",
        metavar="N",
        default=str(USUAL_PAGE),
        help=f"how many at most, up to {LARGEST_PAGE} (default: {USUAL_PAGE})",
    )
    parser.add_argument("--after", metavar="ID", default="", help="go on after this id")


def _summary(action: Action) -> str:
    text = action.doc.partition("\n")[0].rstrip(".")
    return f"{text[0].lower()}{text[1:]}"
