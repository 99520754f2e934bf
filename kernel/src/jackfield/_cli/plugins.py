"""`jackfield plugins`: lists the plugins in use, in order, and the others that are installed."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import attrs

from jackfield._gateway import Gateway
from jackfield._operations import Operations
from jackfield.embedding import read_document

from .config_option import add_config_option, config_name, config_path
from .contents import Contents, contents_of
from .exit_codes import FAILED
from .started_gateway import with_gateway
from .terminal import Line, Terminal, bad, faint, good, name, output, strong

_DESCRIPTION = """\
List the plugins and providers that the configuration names, in the order in which they are called,
and the plugins that are installed but not named, which are not imported. With --health the exit
code is 1 if one of them is not well."""

_EPILOG = """\
examples:
  jackfield plugins
  jackfield plugins --health
  jackfield plugins --config jackfield.toml --json"""

NOT_STARTED = "not started"
NOT_USED = "installed, not used"


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add_config_option(parser)
    parser.add_argument(
        "--health", action="store_true", help="start them and ask each whether it is well"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """List them; 1 if the gateway was asked and a plugin is not well."""
    path = config_path(arguments)
    states: dict[str, str] = {}
    if arguments.health:
        contents, states = with_gateway(path, _contents_and_states)
    else:
        contents = contents_of(Gateway(read_document(path)))
    terminal = output()
    if arguments.json:
        terminal.json(_as_json(contents, states))
    else:
        terminal.line(strong(config_name(path)))
        _show(terminal, contents, states)
    return FAILED if any(state != "ok" for state in states.values()) else 0


async def _contents_and_states(gateway: Gateway) -> tuple[Contents, dict[str, str]]:
    return contents_of(gateway), await Operations(gateway).states()


def _as_json(contents: Contents, states: dict[str, str]) -> dict[str, object]:
    return {
        "plugins": _with_health(contents.plugins, states),
        "providers": _with_health(contents.providers, states),
        "left_out": contents.left_out,
        "unused": contents.unused,
    }


def _with_health(listed: Sequence[Any], states: dict[str, str]) -> list[dict[str, object]]:
    return [{**attrs.asdict(one), "health": states.get(one.name, NOT_STARTED)} for one in listed]


def _show(terminal: Terminal, contents: Contents, states: dict[str, str]) -> None:
    rows: list[tuple[Line, ...]] = []
    for one in contents.plugins:
        hooks, deadline = ", ".join(one.hooks), f"{one.deadline_ms} ms"
        start = (str(one.position), name(one.name), one.version_label)
        rows.append((*start, hooks, one.on_error, deadline, _state(one.name, states)))
    for provider in contents.providers:
        start = ("", name(provider.name), provider.version_label)
        rows.append((*start, "provider", "", "", _state(provider.name, states)))
    terminal.table(("#", "name", "version", "hooks", "on error", "deadline", "health"), rows)
    if contents.left_out or contents.unused:
        terminal.line()
    for left_out, problem in contents.left_out.items():
        terminal.line(bad("left out: "), f"{left_out} {problem}")
    if contents.unused:
        unused = ", ".join(f"{one} {version}" for one, version in contents.unused.items())
        terminal.line(faint(f"{NOT_USED}: "), unused)


def _state(plugin: str, states: dict[str, str]) -> Line:
    state = states.get(plugin, NOT_STARTED)
    return good(state) if state == "ok" else bad(state) if states else faint(state)
