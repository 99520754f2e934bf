"""`jackfield plan`: what `serve` would change so that all is as the configuration declares it."""

from argparse import ArgumentParser, Namespace

import attrs

from jackfield._gateway import Gateway
from jackfield.admin.declarations import PLANNING, Step

from .config_option import add_config_option, config_name, config_path
from .started_gateway import with_gateway
from .terminal import Terminal, bad, doubtful, faint, good, name, output

_DESCRIPTION = """\
Compare what the configuration declares, such as organizations, teams and budgets, with what is
kept, and show what would be created, changed and deleted at the next start. Nothing is changed."""

_EPILOG = """\
examples:
  jackfield plan
  jackfield plan --config jackfield.toml --json"""

_SIGNS = {"create": good("+ create"), "update": doubtful("~ update"), "delete": bad("- delete")}


def command(parser: ArgumentParser) -> None:
    """Fill the parser of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Show the steps."""
    path = config_path(arguments)
    steps: list[Step] = []
    planning = PLANNING.set(steps)
    try:
        with_gateway(path, _nothing)
    finally:
        PLANNING.reset(planning)
    terminal = output()
    if arguments.json:
        terminal.json({"config": path, "steps": [attrs.asdict(step) for step in steps]})
    else:
        _show(terminal, steps, config_name(path))
    return 0


async def _nothing(gateway: Gateway) -> None:
    """The plan is made while the gateway starts."""


def _show(terminal: Terminal, steps: list[Step], config: str) -> None:
    if not steps:
        terminal.line(good("ok"), f"  all is as {config} declares it")
        return
    terminal.table(
        ("step", "collection", "id", "fields"),
        [
            (_SIGNS[step.action], step.collection, name(step.id), ", ".join(step.fields))
            for step in steps
        ],
    )
    terminal.line(faint("nothing was changed; `jackfield serve` does it"))
