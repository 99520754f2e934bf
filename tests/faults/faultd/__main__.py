"""`python -m tests.faults.faultd --port 9200`: the faulty upstream on the command line."""

import argparse
import asyncio
import sys

from .catalogue import FAULTS
from .server import Faultd


async def _serve(port: int) -> None:
    async with Faultd(port=port) as upstream:
        sys.stdout.write(f"{upstream.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted, or list the faults."""
    parser = argparse.ArgumentParser(prog="faultd")
    parser.add_argument("--port", type=int, default=9200)
    parser.add_argument("--list", action="store_true", help="print the names of all faults")
    arguments = parser.parse_args()
    if arguments.list:
        sys.stdout.write("\n".join(FAULTS) + "\n")
        return
    try:
        asyncio.run(_serve(arguments.port))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
