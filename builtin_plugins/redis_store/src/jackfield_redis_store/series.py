"""Names of tally fields: a series and a field, encoded as one name."""

from .keys import decoded, encoded, escaped, unescaped


def field_of(series: str, name: str) -> bytes:
    """The encoded name of one field of a series."""
    return encoded(f"{escaped(series)}:{name}")


def parts_of(field: bytes) -> tuple[str, str]:
    """The series and field of an encoded name."""
    series, _, name = decoded(field).partition(":")
    return unescaped(series), name
