"""`jackfield explain`: what would become of a request, and why."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .config_option import add_config_option, config_path

if TYPE_CHECKING:
    from jackfield._gateway import Gateway

_DESCRIPTION = """\
Run a request through the endpoint table, the plugins and the choice of targets, and show what each
of them decided and why. Nothing is sent to a provider.

REQUEST is a file with the body as a client would send it, or with all of the request:
{"path": "/v1/chat/completions", "headers": {…}, "body": {…}}; - reads it from stdin."""

_EPILOG = """\
examples:
  jackfield explain request.json
  echo '{"model": "demo/chat", "messages": []}' | jackfield explain -"""


def command(parser: ArgumentParser) -> None:
    """Fill the parser of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("request", metavar="REQUEST", help="a file of JSON, or - for stdin")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Explain; 1 if the request would be refused."""
    from .explanation import show
    from .running import with_gateway
    from .terminal import Terminal

    description = _read(arguments.request)

    async def explained(gateway: "Gateway") -> dict[str, Any]:
        from jackfield._explain import explain

        return await explain(gateway, description)

    explanation = with_gateway(config_path(arguments), explained)
    terminal = Terminal.stdout()
    if arguments.json:
        terminal.json(explanation)
    else:
        show(terminal, explanation)
    return 1 if "refused" in explanation else 0


def _read(source: str) -> Any:
    """The description of a request, as one that comes from this machine. Raises ConfigError."""
    from jackfield import strict_json
    from jackfield.errors import ConfigError, InvalidRequest

    name = "stdin" if source == "-" else source
    try:
        text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        described = strict_json.decode(text)
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from None
    except InvalidRequest as error:
        raise ConfigError([f"{name}: {error}"]) from None
    if not isinstance(described, dict):
        return described
    whole = described if "body" in described else {"body": described}
    return {**whole, "headers": {"host": "localhost", **whole.get("headers", {})}}
