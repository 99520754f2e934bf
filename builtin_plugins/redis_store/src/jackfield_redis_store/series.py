"""Fields of tallies: the series and the field of it, as one name."""

from .keys import decoded, encoded, escaped, unescaped


def field_of(series: str, name: str) -> bytes:
    """The name in the server of one field of a series."""
    return encoded(f"{escaped(series)}:{name}")


def parts_of(field: bytes) -> tuple[str, str]:
    """The series and the name that a field was made of."""
    series, _, name = decoded(field).partition(":")
    return unescaped(series), name
