"""`jackfield audit`: verifies, shows and exports the trail, from its files alone."""

import asyncio
import csv
import datetime as dt
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from jackfield.commands import (
    FAILED,
    add_config_option,
    bad,
    config_path,
    doubtful,
    faint,
    good,
    name,
    output,
)
from jackfield.config import PLUGIN_KEYS, read_settings
from jackfield.embedding import read_document
from jackfield.errors import ConfigError
from jackfield.secrets import SecretSources

from .chain import Link, read_line
from .config import AuditConfig
from .files import Files, files_of
from .verification import lines_of, verify

_COLUMNS: Final = ("kind", "actor", "role", "tenant", "action", "collection", "id", "fields")
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_LATE: Final = 2
"""How many times as long as an anchor may take it is waited for, and `_SLACK` seconds besides."""

_SLACK: Final = 10.0
_MOST_DIGITS: Final = 9
_EPILOG = """\
examples:
  jackfield audit verify
  jackfield audit show --last 20
  jackfield audit export --since 2026-11-01 --format csv > november.csv"""


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description = "Look at the audit trail, and find whatever has been done to it."
    parser.epilog = _EPILOG
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verb = verbs.add_parser("verify", help="find every edit, removal, reorder and cut")
    verb.add_argument("--json", action="store_true", help="write JSON")
    _complete(verb, run_verify)
    verb = verbs.add_parser("show", help="show the last records")
    verb.add_argument("--last", type=_count, default=20, metavar="N", help="how many (20)")
    _complete(verb, run_show)
    verb = verbs.add_parser("export", help="write records to standard output")
    verb.add_argument("--since", type=_day, metavar="DAY", help="from this day on, YYYY-MM-DD, UTC")
    verb.add_argument("--until", type=_day, metavar="DAY", help="before this day")
    verb.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="default: jsonl")
    _complete(verb, run_export)


def _complete(parser: ArgumentParser, run: Any) -> None:
    parser.description = (run.__doc__ or "").partition("\n")[0]
    add_config_option(parser)
    parser.set_defaults(run=run)


def run_verify(arguments: Namespace) -> int:
    """Report what is wrong with the trail; 1 if anything is."""
    files = _files(config_path(arguments))
    found = verify(files.trail, files.anchors, time.time() - _LATE * files.anchor_seconds - _SLACK)
    terminal = output()
    if arguments.json:
        members = ("records", "anchors", "anchored", "unanchored")
        summary = {member: getattr(found, member) for member in members}
        terminal.json({**summary, "problems": [str(problem) for problem in found.problems]})
        return FAILED if found.problems else 0
    for problem in found.problems:
        terminal.line(bad("wrong "), str(problem))
    state = bad("damaged") if found.problems else good("whole")
    terminal.line(f"{files.trail}: {found.records} records, {found.anchors} anchors: ", state)
    if found.unanchored:
        what = f"records after the last anchor: {found.unanchored}; a cut there would not be found"
        terminal.line(doubtful("note "), what)
    return FAILED if found.problems else 0


def run_show(arguments: Namespace) -> int:
    """Show the last records in a table."""
    files = _files(config_path(arguments))
    rows = []
    for link in deque(_links(files.trail), maxlen=arguments.last):
        event = link.event
        what = event.get("action") or event.get("outcome") or event.get("path") or ""
        item = f"{event.get('collection', '')}/{event['id']}" if "id" in event else ""
        changed = ", ".join(event.get("fields") or ())
        actor = name(event.get("actor") or "")
        rows.append((str(link.seq), faint(_time(link.time)), actor, str(what), item, changed))
    output().table(("seq", "time", "actor", "action", "item", "fields"), rows)
    return 0


def run_export(arguments: Namespace) -> int:
    """Write the records of a range of days."""
    files = _files(config_path(arguments))
    since, until = arguments.since or 0.0, arguments.until or float("inf")
    links = (link for link in _links(files.trail) if since <= link.time < until)
    if arguments.format == "csv":
        _write_csv(links)
    else:
        for link in links:
            sys.stdout.write(msgspec.json.encode(link).decode() + "\n")
    return 0


def _write_csv(links: Iterable[Link]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["seq", "time", *_COLUMNS, "event", "hash"])
    for link in links:
        cells = [_cell(link.event.get(column, "")) for column in _COLUMNS]
        event = msgspec.json.encode(link.event).decode()
        writer.writerow([link.seq, _time(link.time), *cells, event, link.hash])


def _cell(value: Any) -> str:
    """A cell that no spreadsheet interprets as a formula."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAS) else text


def _links(trail: Path) -> Iterator[Link]:
    for number, line in enumerate(lines_of(trail), 1):
        try:
            yield read_line(line)
        except ValueError as error:
            raise ConfigError([f"{trail}:{number}: {error}; `jackfield audit verify`"]) from None


def _files(path: str | None) -> Files:
    document = read_document(path)
    settings = read_settings(document)
    tables = [table for table, found in settings.plugins.items() if found.use == "audit"]
    if not tables:
        raise ConfigError([f"{document.name}: it has no [plugins.audit], so there is no trail"])
    config = document.structure(AuditConfig, ("plugins", tables[0]), reserved=PLUGIN_KEYS)
    document.problems.raise_if_any()
    sources = SecretSources(document.directory)
    state_dir = document.directory.absolute() / Path(settings.server.state_dir).expanduser()
    found = files_of(config or AuditConfig(), state_dir, sources.resolve, create=False)
    return asyncio.run(found)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:_MOST_DIGITS])):
        raise ArgumentTypeError(f"expected a number of records, found {text!r}")
    return int(text[:_MOST_DIGITS])


def _day(text: str) -> float:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).timestamp()
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is not a date; write it like 2026-11-30") from None


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")
