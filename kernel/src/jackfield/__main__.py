"""Runs the command line: `python -m jackfield` is the same as `jackfield`."""

import sys

from jackfield._cli import main

if __name__ == "__main__":
    sys.exit(main())
