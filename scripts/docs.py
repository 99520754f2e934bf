"""Writes the generated pages of docs/ anew, from what the code says of itself."""

import argparse
import inspect
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from jackfield import Plugin
from jackfield._cli.parser import found_commands
from jackfield._gateway import Gateway
from jackfield._operations import Operations
from jackfield.config import (
    Capabilities,
    ModelTable,
    OptionDoc,
    PluginTable,
    Price,
    ProviderTable,
    Server,
    Upstream,
    describe,
    parse,
)
from jackfield.endpoints import Endpoint
from jackfield.http_provider import HttpConfig
from jackfield.providers import Provider

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
NOTE = "<!-- Written by `make docs` from the code; change it there. -->"

CONFIGURATION = """\
One TOML file configures the gateway. `jackfield init` writes a first one, `jackfield check`
reports everything that is wrong with it, and a running gateway reads it again when it is saved.

A key that is not listed here is refused. In the tables below, `*` stands for a name that you choose
and `[]` for the elements of an array. A secret reference is a string such as
`"env:OPENAI_API_KEY"` or `"file:/run/secrets/key"`; the secret itself is never in the file.
Relative paths start from the folder of the file.
"""
CAPABILITIES = """\
What models can do, if that is not known or has changed. The name of the table is a model's, with
`*` for any text, and optionally with a provider in front: `[capabilities."local/llama*"]`. Missing
keys are as [shipped](models.md).
"""
PRICES = """\
What models cost, if that is not in the price book or you have agreed on other prices. The name of
the table is `provider/model`, with `*` for any text. A model whose price changes has one table per
period: `[[prices."openai/gpt-5*"]]`. Missing keys are as [shipped](prices.md).
"""
COMMANDS = """\
`jackfield` is installed with the kernel; `jackfield-kernel[cli]`, which `jackfield` brings, adds
colours and tables. Output to a pipe or a file is plain text. Exit codes: 0 success, 1 failure, 2
invalid configuration or command line, 130 interrupted with Ctrl-C.

The configuration is looked for in this order: the option `--config`, the variable
`JACKFIELD_CONFIG`, `jackfield.toml` in the current folder. Without any of them, the gateway has the
demo provider and every provider whose key is in the environment.
"""
PLUGIN_COMMANDS = """\
A plugin may add commands: an entry point in the group `jackfield.commands`, with the name of the
command, is a function that gets an `argparse.ArgumentParser`, adds options to it, and calls
`parser.set_defaults(run=...)` with a function that takes the arguments and returns the exit code.
"""
ENDPOINTS = """\
A client needs the permission listed for an endpoint; `public` endpoints need none. Without a plugin
that authenticates, only this machine is served, and it may do everything except `admin`. `{name}`
stands for one segment of a path, `{name*}` for all that follow, and `*` for any method.
"""
HEADERS = (
    (
        "x-request-id",
        "request, answer",
        "the id of the request in the log; the client's own if it is a plain word of at most"
        " 128 characters",
    ),
    ("request-id", "answer", "the same id for clients of Anthropic's API, whose SDKs read it here"),
    ("x-amzn-requestid", "answer", "the same for clients of AWS"),
    (
        "x-jackfield-provider-request-id",
        "answer",
        "the provider's own id of the request, for questions to its support; also in errors",
    ),
    (
        "x-jackfield-provider",
        "request",
        "the provider to use if neither path nor body names a model",
    ),
    (
        "idempotency-key",
        "request",
        "passed on to providers that support it, as the SHA-256 of the tenant and the key, so that"
        " two tenants cannot share one; for the gateway's own see [administration](admin.md)",
    ),
    ("x-jackfield-target", "answer", "the `provider/model` that answered"),
    (
        "x-jackfield-loss",
        "answer",
        "what of the request or the answer could not be expressed, in at most 4,096 characters",
    ),
    (
        "server-timing",
        "answer",
        "milliseconds in total, at the provider, and in each plugin that took 0.01 or more",
    ),
    (
        "x-jackfield-metadata",
        "request",
        "the caller's labels for the request, for budgets, limits and usage by tag: a JSON"
        " object of at most 16 short strings; those of its key take precedence",
    ),
    ("x-jackfield-want", "request", "`cost` asks for the cost of the request"),
    (
        "x-jackfield-state",
        "request",
        "on the admin listener, the state folder of the gateway that a command is meant for",
    ),
    (
        "x-jackfield-cost",
        "answer",
        "dollars, if requested and the answer is not a stream",
    ),
    (
        "x-jackfield-budget-remaining",
        "answer",
        "what is left of the tightest budget, as far as this worker knows",
    ),
    ("x-jackfield-budget-warning", "answer", "the budgets that have reached a threshold"),
    (
        "x-jackfield-max-tokens",
        "answer",
        "the limit that was set on the answer's tokens, because a budget needs one",
    ),
    (
        "x-should-retry",
        "answer",
        "`false` if a retry is pointless, as with a spent budget; official SDKs respect it",
    ),
    (
        "x-ratelimit-…",
        "answer",
        "limits, what is left of them and when they reset, in the format of the client's vendor:"
        " `anthropic-ratelimit-…` there, `ratelimit` and `ratelimit-policy` elsewhere",
    ),
    ("retry-after", "answer", "seconds to wait before a retry"),
)


def configuration() -> Iterator[str]:
    """The page on the configuration file."""
    yield from ("# Configuration", CONFIGURATION)
    for header, kind in (("server", Server), ("upstream", Upstream), ("models.*", ModelTable)):
        yield from (f"## `[{header}]`", summary(kind), options(describe(kind)))
    yield from ("## `[capabilities.*]`", CAPABILITIES, options(describe(Capabilities)))
    yield from ("## `[prices.*]`", PRICES, options(describe(Price)))
    yield from ("## `[providers.*]`", options(describe(ProviderTable)))
    yield "Providers that speak HTTP also have these keys:"
    yield options(describe(HttpConfig))
    yield from sections(Provider, "providers", shared=describe(HttpConfig))
    yield from (
        "## `[plugins.*]`",
        "The order of the tables is the order in which plugins are called.",
    )
    yield options(describe(PluginTable))
    yield from sections(Plugin, "plugins", shared=())


def sections(kind: type[Plugin], section: str, shared: Sequence[OptionDoc]) -> Iterator[str]:
    """One section for each built-in plugin of a kind."""
    for name, plugin in built_in():
        if issubclass(plugin, Provider) != (kind is Provider):
            continue
        listed = describe(plugin.Config)
        own = [option for option in listed if option not in shared]
        yield f"### `[{section}.{name}]`"
        yield f"{summary(plugin)} [More](../builtin_plugins/{name}/README.md)."
        if kind is Plugin:
            policy = f'`on_error = "{plugin.on_error}"` and `deadline_ms = {plugin.deadline_ms}`'
            yield f"By default {policy}."
        if own:
            yield options(own)
        if len(own) < len(listed):
            yield "Plus the keys of every provider that speaks HTTP."


def options(listed: Iterable[OptionDoc]) -> str:
    """A table of the keys of a table."""
    rows = (
        (
            f"`{option.path}`",
            option.type,
            "required" if option.required else f"`{option.default}`" if option.default else "",
            option.doc,
        )
        for option in listed
    )
    return table(("key", "type", "default", "meaning"), rows)


def commands() -> Iterator[str]:
    """The page on the command line."""
    yield from ("# Command line", COMMANDS)
    brought = []
    for point, _ in found_commands():
        parser = argparse.ArgumentParser(prog=f"jackfield {point.name}", add_help=False)
        point.load()(parser)
        if point.dist is None:
            yield from command(parser)
        elif (room := built_in_room(point.dist.name)).exists():
            page = f"[{room.name}](../builtin_plugins/{room.name}/README.md)"
            brought.append((f"`{parser.prog}`", str(parser.description), page))
    yield "## Commands of plugins"
    yield "The built-in plugins add these; each has a `--help` of its own."
    yield from (table(("command", "what it does", "plugin"), brought), PLUGIN_COMMANDS)


def built_in_room(distribution: str) -> Path:
    """Where a built-in plugin of this distribution stands."""
    return ROOT / "builtin_plugins" / distribution.removeprefix("jackfield-").replace("-", "_")


def command(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The section of one command; its words do not depend on the version of Python."""
    actions = parser._actions
    words = " ".join(filter(None, [parser.prog, *map(in_usage, actions)]))
    yield from (f"## `{parser.prog}`", str(parser.description), f"    {words}")
    if actions:
        yield table(("argument", "meaning"), ((name_of(one), str(one.help)) for one in actions))
    if parser.epilog:
        examples = parser.epilog.split("\n")[1:]
        yield "\n".join(["```sh", *(example.removeprefix("  ") for example in examples), "```"])


def in_usage(action: argparse.Action) -> str:
    """How an argument stands in the line on usage."""
    metavar = str(action.metavar or "")
    if not action.option_strings:
        return f"[{metavar}]" if action.nargs == "?" else metavar
    return f"[{f'{action.option_strings[-1]} {metavar}'.rstrip()}]"


def name_of(action: argparse.Action) -> str:
    """How an argument stands in the table."""
    words = ", ".join(f"`{word}`" for word in action.option_strings)
    return f"{words} {action.metavar or ''}".strip()


def endpoints() -> Iterator[str]:
    """The page on endpoints and headers."""
    operations = Operations(Gateway(parse("server.front_doors = []", "docs")))
    own = operations.public()
    public = {(endpoint.method, endpoint.path) for endpoint in own}
    admin = [one for one in operations.admin() if (one.method, one.path) not in public]
    yield from ("# Endpoints and headers", ENDPOINTS, "## The gateway's own", endpoint_table(own))
    yield "On the admin listener (`server.admin`) alone:"
    yield endpoint_table(admin)
    for name, plugin in built_in():
        if issubclass(plugin, Provider) and plugin.endpoints:
            yield from (f"## Of `{name}`", endpoint_table(plugin.endpoints))
    yield "## Headers"
    yield table(("header", "in", "meaning"), ((f"`{head}`", *rest) for head, *rest in HEADERS))


def endpoint_table(listed: Iterable[Endpoint]) -> str:
    """A table of endpoints."""
    rows = (
        (one.method, f"`{one.path}`", one.dialect.name, one.operation, one.permission)
        for one in listed
    )
    return table(("method", "path", "dialect", "operation", "permission"), rows)


def built_in() -> Iterator[tuple[str, type[Plugin]]]:
    """The plugins that are shipped with the kernel."""
    names = {path.parent.name for path in ROOT.glob("builtin_plugins/*/pyproject.toml")}
    for point in sorted(entry_points(group="jackfield.plugins")):
        if point.name in names:
            yield point.name, point.load()


def summary(kind: type[Any]) -> str:
    """The first line of a class's docstring."""
    return (inspect.getdoc(kind) or "").split("\n")[0]


def losses() -> Iterator[str]:
    """The page on what dialects cannot say, which has a script of its own."""
    page: Iterator[str] = runpy.run_path(str(ROOT / "scripts/losses.py"))["page"]()
    yield from page


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "configuration.md": configuration,
    "cli.md": commands,
    "endpoints.md": endpoints,
    "losses.md": losses,
}


def main() -> None:
    """Write the pages; with --check, only say which are out of date."""
    old = []
    for name, page in PAGES.items():
        head, *rest = (part.strip("\n") for part in page())
        text = "\n\n".join([head, NOTE, *rest]) + "\n"
        path = DOCS / name
        if path.exists() and path.read_text() == text:
            continue
        old.append(f"docs/{name}")
        if "--check" not in sys.argv:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    if old and "--check" in sys.argv:
        sys.exit(f"out of date, so run `make docs`: {', '.join(old)}")
    sys.stdout.write(f"written: {', '.join(old) or 'nothing'}\n")


if __name__ == "__main__":
    main()
