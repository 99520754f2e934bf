"""What may be the name of a model."""

from typing import Final

from jackfield.errors import InvalidRequest

LONGEST_MODEL: Final = 256
"""Characters of a model's name; it goes into headers, logs and messages."""


def check_model(model: str | None) -> None:
    """Raise InvalidRequest for a name that no model can have."""
    if model is not None and (len(model) > LONGEST_MODEL or not model.isprintable()):
        raise InvalidRequest(
            f"`model` must be a name of at most {LONGEST_MODEL} printable characters.",
            param="model",
        )
