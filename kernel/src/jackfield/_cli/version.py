"""`jackfield version`: what is installed, as a bug report should state it."""

import platform
import sys
from argparse import ArgumentParser, Namespace
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from pathlib import Path

from .terminal import output

# Repeated here, because importing the loader just for these would be slow.
_KERNEL = "jackfield-kernel"
_PLUGINS = "jackfield.plugins"

_DESCRIPTION = "Show the versions of the kernel, of what it stands on, and of every plugin."


def command(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.description = _DESCRIPTION
    parser.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    """Display the versions."""
    plugins = sorted(entry_points(group=_PLUGINS))
    terminal = output()
    terminal.pairs(
        [
            ("jackfield", version(_KERNEL)),
            ("python", f"{platform.python_version()} ({sys.implementation.name}, {_system()})"),
            ("aiohttp", f"{version('aiohttp')} ({_parser()})"),
            ("event loop", _event_loop()),
            *((f"plugin {one.name}", one.dist.version if one.dist else "?") for one in plugins),
        ]
    )
    return 0


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"


def _event_loop() -> str:
    try:
        return f"uvloop {version('uvloop')}"
    except PackageNotFoundError:
        return "asyncio"


def _parser() -> str:
    """Which HTTP parser aiohttp has, without the slow import of aiohttp."""
    spec = find_spec("aiohttp")
    folders = spec.submodule_search_locations if spec else None
    found = any(
        Path(folder, f"_http_parser{suffix}").exists()
        for folder in folders or ()
        for suffix in EXTENSION_SUFFIXES
    )
    return "C parser" if found else "Python parser, with which it cannot serve"
