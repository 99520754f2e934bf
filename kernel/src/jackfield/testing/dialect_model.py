"""The law that the model of a request can be replaced."""

from typing import Final

import msgspec

from .dialect_law import DialectLaw, Samples
from .law import LawBrokenError

_OTHER: Final = "another-model"


def models_are_replaced(samples: Samples) -> None:
    """With another model in the body, `peek` reads that; a model in the path needs no replacing."""
    dialect = samples.dialect
    for tree in () if samples.params else samples.requests:
        body, model = msgspec.json.encode(tree), dialect.peek(tree, {}).model
        if model is None:
            continue
        try:
            changed = dialect.with_model(body, "application/json", model, _OTHER)
        except KeyError as error:
            raise LawBrokenError(f"its with_model finds no {error} in {body!r}") from error
        read = dialect.peek(msgspec.json.decode(changed), {}).model
        if read != _OTHER:
            raise LawBrokenError(f"of {changed!r} it reads the model {read!r}, not {_OTHER!r}")


MODELS_ARE_REPLACED: Final = DialectLaw(
    "models-are-replaced",
    "The model in the body of a request can be replaced by another.",
    "requests",
    models_are_replaced,
)
