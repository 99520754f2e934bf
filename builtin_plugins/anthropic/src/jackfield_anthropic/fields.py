"""What this family of dialects keeps in the extensions, under a single name."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield import fields
from jackfield.messages import Extensions

NAME: Final = "anthropic.messages"
"""The one name under which all dialects of this family carry what they alone know."""

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for what is no JSON, no text, or nested without end."""

THREAD: Final = "thread"
"""The member that says which answer a conversation goes on from, where Anthropic keeps it."""

CONTENT: Final = "$content"
"""Notes whether content was a string or an array, or None where there was none."""


def own(extensions: Extensions) -> Mapping[str, Any]:
    """What this family of dialects left in the extensions."""
    return fields.own(extensions, NAME)


def carry(wire: dict[str, Any], extensions: Extensions) -> dict[str, Any]:
    """Put carried fields back; the canonical form takes precedence. `$` marks notes on form."""
    return fields.carry(wire, extensions, NAME)
