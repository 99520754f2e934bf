"""`jackfield explain`: what would happen to a request, and why."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from jackfield import strict_json
from jackfield._explain import explain
from jackfield._gateway import Gateway
from jackfield.errors import ConfigError, InvalidRequest

from .config_option import add_config_option, config_path
from .exit_codes import FAILED
from .explanation import is_refused, show
from .started_gateway import with_gateway
from .terminal import output

_DESCRIPTION = """\
Run a request through the endpoint table, the plugins and the choice of targets, and show what each
decides and why, without asking a provider. The exit code is 1 if the request would be refused.

REQUEST is a file with the body as a client would send it, or with the whole request:
{"path": "/v1/chat/completions", "headers": {…}, "body": {…}}; - reads it from stdin. Where callers
need a key, `headers` has one: {"authorization": "Bearer jf-…"}."""

_EPILOG = """\
examples:
  jackfield explain request.json
  echo '{"model": "demo/chat", "messages": []}' | jackfield explain -"""


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description, parser.epilog = _DESCRIPTION, _EPILOG
    parser.add_argument("request", metavar="REQUEST", help="a JSON file, or - for stdin")
    add_config_option(parser)
    parser.add_argument("--json", action="store_true", help="write JSON")
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Explain; 1 if the request would be refused."""
    description = _read(arguments.request)

    async def explained(gateway: Gateway) -> dict[str, Any]:
        return await explain(gateway, description)

    explanation = with_gateway(config_path(arguments), explained)
    terminal = output()
    if arguments.json:
        terminal.json(explanation)
    else:
        show(terminal, explanation)
    return FAILED if is_refused(explanation) else 0


def _read(source: str) -> Any:
    """The JSON in a file or on stdin. Raises ConfigError."""
    name = "stdin" if source == "-" else source
    try:
        text = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
        return strict_json.decode(text)
    except OSError as error:
        raise ConfigError([f"{name}: cannot be read: {error.strerror}"]) from None
    except InvalidRequest as error:
        raise ConfigError([f"{name}: {error}"]) from None
