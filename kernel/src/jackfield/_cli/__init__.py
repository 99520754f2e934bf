"""The command line: `jackfield serve`, `check` and the rest."""

from .program import main

__all__ = ["main"]
