"""`jackfield check`: finds everything that `serve` would refuse, without using the network."""

from argparse import ArgumentParser, Namespace

from attrs import asdict

from jackfield._gateway import Gateway
from jackfield._server.tls import tls_context
from jackfield.embedding import read_document
from jackfield.endpoints import EndpointTable
from jackfield.errors import ConfigError

from .config_option import add_config_option, config_name, config_path
from .contents import Contents, contents_of
from .exit_codes import REFUSED
from .terminal import Terminal, doubtful, faint, good, name, output

_DESCRIPTION = """\
Find everything in a configuration that `serve` would refuse, all at once and without opening a
connection: run it before a reload, and in CI. Problems go to stderr, one line each, with their
place in the file; the exit code is then 2. A valid configuration is summarized."""

_EPILOG = """\
examples:
  jackfield check
  jackfield check --config jackfield.toml --json"""


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="write JSON, including any problems")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Check the configuration; 2 if something is wrong."""
    path = config_path(arguments)
    terminal = output()
    try:
        gateway = Gateway(read_document(path))
        if tls := gateway.settings.server.tls:
            tls_context(**asdict(tls))
        _check_endpoints(gateway)
    except ConfigError as error:
        if not arguments.json:
            raise
        terminal.json({"config": path, "problems": error.problems})
        return REFUSED
    contents = contents_of(gateway)
    if arguments.json:
        terminal.json({"config": path, "problems": [], **contents.as_json()})
    else:
        _show(terminal, config_name(path), contents)
    return 0


def _check_endpoints(gateway: Gateway) -> None:
    """Report endpoints claimed by two vendors; what plugins add in `start` is not known yet."""
    kinds = gateway.loaded.front_doors
    EndpointTable(dict.fromkeys(endpoint for kind in kinds for endpoint in kind.endpoints))


def _show(terminal: Terminal, title: str, contents: Contents) -> None:
    tables = {"provider": contents.providers, "model": contents.models, "plugin": contents.plugins}
    counts = [f"{len(of)} {noun}{'' if len(of) == 1 else 's'}" for noun, of in tables.items()]
    terminal.line(good("ok"), f"  {title}: {', '.join(counts)}")
    _show_providers(terminal, contents)
    _show_models(terminal, contents)
    _show_plugins(terminal, contents)
    for left_out, problem in contents.left_out.items():
        terminal.line(doubtful("left out: "), f"{left_out} {problem}")
    for line in contents.retiring:
        terminal.problem(line)


def _show_providers(terminal: Terminal, contents: Contents) -> None:
    terminal.table(
        ("provider", "version", "address", "secrets"),
        [
            (name(one.name), one.version_label, one.base_url or faint("none"), one.secrets_label)
            for one in contents.providers
        ],
    )


def _show_models(terminal: Terminal, contents: Contents) -> None:
    terminal.table(
        ("model", "targets", "fallbacks", "on loss"),
        [
            (name(one.name), ", ".join(one.targets), ", ".join(one.fallbacks), one.on_loss)
            for one in contents.models
        ],
    )


def _show_plugins(terminal: Terminal, contents: Contents) -> None:
    terminal.table(
        ("#", "plugin", "version", "hooks", "on error", "deadline"),
        [
            (
                str(one.position),
                name(one.name),
                one.version_label,
                ", ".join(one.hooks),
                one.on_error,
                f"{one.deadline_ms} ms",
            )
            for one in contents.plugins
        ],
    )
