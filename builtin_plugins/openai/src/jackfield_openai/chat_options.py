"""Chat request members with the same name and meaning in the canonical form."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, Final

from jackfield.fields import Fields
from jackfield.messages import ChatRequest

Reader = Callable[[Fields, str], Any]

OPTIONS: Final[Mapping[str, Reader]] = {
    **dict.fromkeys(
        ("temperature", "top_p", "frequency_penalty", "presence_penalty"), Fields.number
    ),
    **dict.fromkeys(("top_k", "seed", "top_logprobs", "n"), Fields.integer),
    **dict.fromkeys(("parallel_tool_calls", "logprobs", "store"), Fields.flag),
    **dict.fromkeys(("user", "service_tier"), Fields.text),
    **dict.fromkeys(("logit_bias", "metadata"), Fields.table),
}
_WRITTEN: Final = tuple(key for key in OPTIONS if key != "top_k")
_values: Final = attrgetter(*_WRITTEN)
_NONE: Final = (None,) * len(_WRITTEN)


def read_options(fields: Fields) -> dict[str, Any]:
    """The options that are present."""
    rest = fields.rest
    return {key: take(fields, key) for key, take in OPTIONS.items() if key in rest}


def write_options(request: ChatRequest) -> dict[str, Any]:
    """The options that are set, except `top_k`."""
    values = _values(request)
    if values == _NONE:
        return {}
    return {key: value for key, value in zip(_WRITTEN, values, strict=True) if value is not None}
