"""The exit codes of all commands."""

from typing import Final

FAILED: Final = 1
REFUSED: Final = 2
"""The configuration or the command line is wrong."""
INTERRUPTED: Final = 130
