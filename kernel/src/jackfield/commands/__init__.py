"""Building blocks for plugins' commands: the terminal, the admin client, whole commands."""

from jackfield._cli import main
from jackfield._cli.bars import bar
from jackfield._cli.config_option import add_config_option, config_name, config_path
from jackfield._cli.exit_codes import FAILED, REFUSED
from jackfield._cli.terminal import (
    Line,
    Terminal,
    bad,
    complaints,
    doubtful,
    faint,
    good,
    name,
    output,
    strong,
)

from .client import KEY_VARIABLE, AdminClient, segment, with_client
from .links import AdminRefused, Reply
from .resource import resource_command

__all__ = [
    "FAILED",
    "KEY_VARIABLE",
    "REFUSED",
    "AdminClient",
    "AdminRefused",
    "Line",
    "Reply",
    "Terminal",
    "add_config_option",
    "bad",
    "bar",
    "complaints",
    "config_name",
    "config_path",
    "doubtful",
    "faint",
    "good",
    "main",
    "name",
    "output",
    "resource_command",
    "segment",
    "strong",
    "with_client",
]
