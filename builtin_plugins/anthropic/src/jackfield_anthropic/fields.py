"""What this family of dialects keeps in the extensions, under a single name."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from jackfield import fields
from jackfield.messages import Extensions

NAME: Final = "anthropic.messages"
"""The name of the extensions that all dialects of this family share."""

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding raises for invalid JSON, invalid UTF-8 and excessive nesting."""

THREAD: Final = "thread"
"""The member that names the stored answer from which a conversation continues."""

CONTENT: Final = "$content"
"""The note on whether content was a string or an array; None if there was none."""


def own(extensions: Extensions) -> Mapping[str, Any]:
    """What this family of dialects left in the extensions."""
    return fields.own(extensions, NAME)


def carry(wire: dict[str, Any], extensions: Extensions) -> dict[str, Any]:
    """Put carried fields back; the canonical form takes precedence. `$` marks notes on form."""
    return fields.carry(wire, extensions, NAME)
