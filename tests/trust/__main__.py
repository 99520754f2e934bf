"""`make trust`: the proof that budgets hold and that nothing is lost, on both stores."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from tests.trust.backing import NAMES
from tests.trust.table import Table
from tests.trust.trial import Size, run
from tests.trust.verdict import table_of

SABOTAGES = {"check-then-charge": "tests.trust.sabotage"}


def main() -> int:
    """Run it, print its tables, and fail if a bar is broken."""
    arguments = _arguments()
    seed = arguments.seed or secrets.randbits(32)
    _print(f"make trust: the numbers are drawn from seed {seed}")
    size = Size(arguments.requests, arguments.at_once, arguments.workers, arguments.kills)
    module = SABOTAGES.get(arguments.sabotage, "jackfield")
    tables = []
    for store in arguments.store or NAMES:
        tables.append(_prove(store, size, seed, module, arguments.keep))
        _print("", *tables[-1].lines())
    return 0 if all(table.held for table in tables) else 1


def _print(*lines: str) -> None:
    sys.stdout.write("\n".join([*lines, ""]))
    sys.stdout.flush()


def _prove(store: str, size: Size, seed: int, module: str, keep: Path | None) -> Table:
    with tempfile.TemporaryDirectory(prefix="jackfield-trust-") as folder:
        place = (keep or Path(folder)) / store
        return table_of(asyncio.run(run(store, size, place, seed=seed, module=module)))


def _arguments() -> argparse.Namespace:
    usual = Size()
    parser = argparse.ArgumentParser(prog="make trust", description=__doc__)
    parser.add_argument("--store", action="append", choices=NAMES, help="only this one")
    parser.add_argument("--requests", type=int, default=usual.requests)
    parser.add_argument("--at-once", type=int, default=usual.at_once)
    parser.add_argument("--workers", type=int, default=usual.workers)
    parser.add_argument("--kills", type=int, default=usual.kills)
    parser.add_argument("--seed", type=int, help="draw the same numbers again")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave all files there")
    parser.add_argument(
        "--sabotage", choices=SABOTAGES, help="break the gateway: the proof must fail then"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
