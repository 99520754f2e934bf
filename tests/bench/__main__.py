"""Measures the gateway on this machine, and holds every figure to its bar."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.bench.bars import table
from tests.bench.figures import FIGURES, Bench
from tests.bench.machine import Machine, Unfit
from tests.bench.traffic import say

NEEDED_PEERS = "nginx,raw-uv,low-rawclient-uv-msgspec-chain,tensorzero"


def main() -> int:
    """Run the requested figures; 1 if a figure misses its bar, 2 if one cannot be measured."""
    options = _options()
    bars, unfit = [], False
    with tempfile.TemporaryDirectory(prefix="jackfield-bench-") as directory:
        try:
            bench = Bench(Machine(Path(directory)), options.peers, options.against.split(","))
        except Unfit as reason:
            say(str(reason))
            return 2
        bench.repeats = 1 if options.quick else options.repeats
        bench.pace = 0.4 if options.quick else 1.0
        for name in options.only or FIGURES:
            try:
                with bench.machine:
                    bars += FIGURES[name](bench)
            except Unfit as reason:
                say(f"{name} cannot be measured: {reason}")
                unfit = True
    sys.stdout.write(table(bars))
    return 2 if unfit else int(any(bar.verdict == "FAIL" for bar in bars))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        metavar="NAME,...",
        help=f"these figures alone: {', '.join(FIGURES)}",
    )
    parser.add_argument("--repeats", type=int, default=3, help="rounds; the median counts")
    parser.add_argument("--quick", action="store_true", help="one short round, to see it work")
    parser.add_argument(
        "--peers",
        type=Path,
        default=os.environ.get("JACKFIELD_BENCH"),
        metavar="DIR",
        help="a folder with candidates.toml: gateways to compare with ($JACKFIELD_BENCH)",
    )
    parser.add_argument(
        "--against", default=NEEDED_PEERS, metavar="NAME,...", help="which of the peers"
    )
    options = parser.parse_args()
    unknown = set(options.only or ()) - set(FIGURES)
    if unknown:
        parser.error(f"--only: no figure is called {', '.join(sorted(unknown))}")
    return options


if __name__ == "__main__":
    sys.exit(main())
