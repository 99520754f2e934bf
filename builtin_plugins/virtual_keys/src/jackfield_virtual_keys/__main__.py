"""Writes a new key, for who declares keys in the configuration file."""

from .key_text import new_key_text, written

print(written(new_key_text()))  # noqa: T201 - what it is for
