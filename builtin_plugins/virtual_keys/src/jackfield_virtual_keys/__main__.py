"""Prints a new key, to be declared in the configuration file."""

from .key_text import new_key_text, written

print(written(new_key_text()))  # noqa: T201 - its purpose
