"""`jackfield plugins`: those in use, in order, and those that are installed besides."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from .config_option import add_config_option, config_path

if TYPE_CHECKING:
    from jackfield._gateway import Gateway

    from .contents import Contents
    from .terminal import Line, Terminal

_DESCRIPTION = """\
List the plugins and providers that the configuration names, in the order in which they are called,
and the plugins that are installed but not named; those are not even imported."""

_EPILOG = """\
examples:
  jackfield plugins
  jackfield plugins --health
  jackfield plugins --config jackfield.toml --json"""

NOT_STARTED = "not started"
NOT_USED = "installed, not used"


def command(parser: ArgumentParser) -> None:
    """Fill the parser of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add_config_option(parser)
    parser.add_argument(
        "--health", action="store_true", help="start them and ask each whether it is well"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """List them; 1 if one was asked and is not well."""
    from jackfield._gateway import Gateway
    from jackfield._serve import read_document

    from .contents import contents_of
    from .running import with_gateway
    from .terminal import Terminal

    path = config_path(arguments)
    states: dict[str, str] = {}
    if arguments.health:
        contents, states = with_gateway(path, _contents_and_states)
    else:
        contents = contents_of(Gateway(read_document(path)))
    terminal = Terminal.stdout()
    if arguments.json:
        terminal.json(_as_json(contents, states))
    else:
        _show(terminal, contents, states)
    return 1 if any(state != "ok" for state in states.values()) else 0


async def _contents_and_states(gateway: "Gateway") -> "tuple[Contents, dict[str, str]]":
    from jackfield._operations import Operations

    from .contents import contents_of

    return contents_of(gateway), await Operations(gateway).states()


def _as_json(contents: "Contents", states: dict[str, str]) -> dict[str, object]:
    import attrs

    return {
        "plugins": [
            {**attrs.asdict(one), "health": states.get(one.name, NOT_STARTED)}
            for one in contents.plugins
        ],
        "providers": [
            {**attrs.asdict(one), "health": states.get(one.name, NOT_STARTED)}
            for one in contents.providers
        ],
        "left_out": contents.left_out,
        "unused": contents.unused,
    }


def _show(terminal: "Terminal", contents: "Contents", states: dict[str, str]) -> None:
    from .terminal import bad, faint, name

    rows: list[tuple[Line, ...]] = []
    for one in contents.plugins:
        hooks, deadline = ", ".join(one.hooks), f"{one.deadline_ms} ms"
        state = _state(one.name, states)
        rows.append(
            (str(one.position), name(one.name), one.brought_by, hooks, one.on_error, deadline, state)
        )
    for provider in contents.providers:
        state = _state(provider.name, states)
        rows.append(("", name(provider.name), provider.brought_by, "provider", "", "", state))
    for left_out, problem in contents.left_out.items():
        rows.append(("", name(left_out), "", "", "", "", bad(f"left out: {problem}")))
    for unused, version in contents.unused.items():
        rows.append(("", faint(unused), faint(f"{unused} {version}"), "", "", "", faint(NOT_USED)))
    heads = ("#", "name", "plugin", "hooks", "on error", "deadline", "health")
    terminal.table(heads, rows)


def _state(plugin: str, states: dict[str, str]) -> "Line":
    from .terminal import bad, faint, good

    state = states.get(plugin, NOT_STARTED)
    return good(state) if state == "ok" else bad(state) if states else faint(state)
