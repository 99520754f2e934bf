"""`jackfield plan`: what `serve` would change to match what the configuration declares."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

import attrs

from jackfield._config.toml_text import toml_text
from jackfield._gateway import Gateway
from jackfield.admin.declarations import Step

from .config_option import add_config_option, config_name, config_path
from .started_gateway import with_gateway
from .terminal import Terminal, bad, doubtful, faint, good, name, output

_DESCRIPTION = """\
Compare what the configuration declares, such as organizations, teams and budgets, with the stored
state, and show what the next start would create, change and delete. Nothing is changed."""

_EPILOG = """\
examples:
  jackfield plan
  jackfield plan --config jackfield.toml --json"""

_SIGNS = {"create": good("+ create"), "update": doubtful("~ update"), "delete": bad("- delete")}


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Display the steps."""
    path = config_path(arguments)
    steps = with_gateway(path, _steps)
    terminal = output()
    if arguments.json:
        terminal.json({"config": path, "steps": [attrs.asdict(step) for step in steps]})
    else:
        _show(terminal, steps, config_name(path))
    return 0


async def _steps(gateway: Gateway) -> Sequence[Step]:
    """The steps of the start; if the store was away then, try once more."""
    return gateway.declarations.steps or await gateway.declarations.make()


def _show(terminal: Terminal, steps: Sequence[Step], config: str) -> None:
    if not steps:
        terminal.line(good("ok"), f"  all is as {config} declares it")
        return
    rows = [(_SIGNS[step.action], step.collection, name(step.id), _changes(step)) for step in steps]
    terminal.table(("step", "collection", "id", "changes"), rows)
    terminal.line(faint("nothing was changed; `jackfield serve` does it"))


def _changes(step: Step) -> str:
    """Each field with its values before and after, as in the file; a secret's name alone."""
    changes = {field: map(toml_text, values) for field, values in step.changes.items()}
    return ", ".join(
        f"{field}: {old or 'unset'} → {new or 'unset'}" if old + new else field
        for field, (old, new) in changes.items()
    )
