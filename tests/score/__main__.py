"""Scores the gateway on recorded traffic: `python -m tests.score`.

Four tables, each by provider and operation (with --features, by feature too): what passes byte for
byte where the dialect stays the same, chats and all else; what the official SDKs of four clients
read in every answer; what becomes of every request in its own dialect and in the others; and
whether two vendors who got the same request still get the same by way of the other's dialect.
`--only` prints one of them. The exit code is 1 when limits.toml does not explain a miss.
"""

import argparse
import asyncio
import logging
import sys

from tests.corpus import ROOT, Exchange

from . import answers, passthrough, requests, resources, sisters
from .limits import limits
from .tally import Row, Tally
from .traffic import Recorded, recorded

TABLES = ("passthrough", "answers", "requests", "sisters")


def main() -> int:
    """Print the requested tables."""
    options = _arguments()
    if not (ROOT / "exchanges").is_dir():
        sys.exit(f"no recorded traffic at {ROOT}: set JACKFIELD_CORPUS to its directory")
    logging.disable(logging.WARNING)  # a million pieces on one loop are not a gateway's day
    cuts = tuple(int(cut) for cut in options.cuts.split(","))
    found = list(recorded(options.provider, options.operation))
    tallies = []
    if options.only in (None, "passthrough"):
        tallies.append(_passthrough(options, found, cuts))
    if options.only in (None, "answers"):
        tallies.append(_answers(found, cuts, options.client, features=options.features))
    if options.only in (None, "requests"):
        tallies.append(_requests(found, features=options.features))
    if options.only in (None, "sisters"):
        tallies.append(_sisters(found, features=options.features))
    for tally in tallies:
        print("\n".join([*tally.lines(), *tally.details(), ""]))  # noqa: T201 - a command prints
    if not (options.only or options.provider or options.operation or options.client):
        used = {limit for tally in tallies for _, limit in tally.explained}
        for limit in limits():
            if limit not in used:
                print(f"limit of {limit.client} that explains nothing: {limit.reason}")  # noqa: T201
    return int(any(tally.missed for tally in tallies))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.score", description=__doc__)
    parser.add_argument("--provider", help="only what was recorded of this provider")
    parser.add_argument("--operation", help="only this operation, such as messages_stream")
    parser.add_argument("--client", choices=answers.CLIENTS, help="only as this client reads it")
    parser.add_argument("--cuts", default="1,7,0", help="sizes of the pieces; 0 is all at once")
    parser.add_argument("--only", choices=TABLES, help="only this table")
    parser.add_argument("--features", action="store_true", help="a row for each feature, too")
    return parser.parse_args()


def _rows(exchange: Exchange, *, features: bool) -> list[Row]:
    row = (exchange.provider, exchange.operation)
    return [row, *((*row, feature) for feature in exchange.features if features)]


def _passthrough(
    options: argparse.Namespace, found: list[Recorded], cuts: tuple[int, ...]
) -> Tally:
    tally = Tally("Byte for byte, the same dialect on both sides of the gateway")
    others = resources.others(options.provider, options.operation)
    by_id = {one.id: one for one in [*(one.exchange for one in found), *others]}
    chats = asyncio.run(passthrough.score_all(found, cuts))
    for name, misses in (chats | asyncio.run(resources.score_all(others))).items():
        tally.add(_rows(by_id[name], features=options.features), "unchanged", misses)
    return tally


def _answers(
    found: list[Recorded], cuts: tuple[int, ...], client: str | None, *, features: bool
) -> Tally:
    tally = Tally("Answers as the official SDKs read them (unharmed/scored +explained)")
    for one in found:
        if one.exchange.expect:
            cut = list(answers.of_cuts(one, cuts)) if one.streams else []
            for name in [client] if client else answers.CLIENTS:
                misses = [*answers.score(one, name), *cut]
                tally.add(_rows(one.exchange, features=features), name, misses)
    return tally


def _requests(found: list[Recorded], *, features: bool) -> Tally:
    tally = Tally("Requests, rendered in their own dialect (same) and held to others' SDKs")
    for one in found:
        if isinstance(one.exchange.request_tree, dict):
            rows = _rows(one.exchange, features=features)
            tally.add(rows, "same", requests.same(one))
            for name, misses in requests.others(one).items():
                tally.add(rows, name, misses)
    return tally


def _sisters(found: list[Recorded], *, features: bool) -> Tally:
    tally = Tally("Requests of one test at several vendors, put into the dialect of another")
    for one, other, misses in sisters.compare(found):
        tally.add(_rows(one.exchange, features=features), other.name, misses)
    return tally


sys.exit(main())
