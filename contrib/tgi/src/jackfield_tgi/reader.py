"""Parses TGI requests into the canonical form."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from jackfield import InvalidRequest
from jackfield.messages import ChatRequest, Message, ResponseFormat, Text

from .wire import NAME, Asked, Parameters

T = TypeVar("T")

_KNOWN = frozenset(Parameters.__struct_fields__)
_WARPERS = ("temperature", "top_p", "top_k", "typical_p")


def read_top(tree: Any) -> Asked:
    """Parse the top level of a request. Raises InvalidRequest that names the field."""
    return _converted(tree, Asked, "")


def read_parameters(asked: Asked) -> Parameters:
    """Parse the parameters. Raises InvalidRequest that names the field."""
    return _converted(asked.parameters or {}, Parameters, "parameters")


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """Make a conversation of one message.

    The wanted form of the answer travels with that message, as it is not part of the question.
    """
    asked = read_top(tree)
    given = read_parameters(asked)
    shape = {"details": bool(given.details), "return_full_text": bool(given.return_full_text)}
    return ChatRequest(
        model=params.get("model", ""),
        messages=(Message("user", (Text(asked.inputs),), extensions={NAME: shape}),),
        max_tokens=given.max_new_tokens,
        temperature=0.0 if _is_greedy(given) else given.temperature,
        top_p=given.top_p,
        top_k=given.top_k,
        stop=tuple(given.stop or ()),
        seed=given.seed,
        frequency_penalty=given.frequency_penalty,
        logprobs=True if given.top_n_tokens else None,
        top_logprobs=given.top_n_tokens or None,
        response_format=_read_grammar(given.grammar),
        stream=bool(asked.stream),
        include_usage=bool(given.details),
        extensions=_read_rest(asked.parameters or {}, given),
    )


def _is_greedy(given: Parameters) -> bool:
    return given.do_sample is False and all(getattr(given, name) is None for name in _WARPERS)


def _read_grammar(grammar: dict[str, Any] | None) -> ResponseFormat | None:
    """Parse a JSON schema: bare, or with the name that newer servers accept."""
    match grammar:
        case {"type": "json_schema", "value": {"schema": dict(schema), **rest}}:
            name = rest.get("name")
            return ResponseFormat("json_schema", name if isinstance(name, str) else None, schema)
        case {"type": "json", "value": dict(schema)}:
            return ResponseFormat("json_schema", schema=schema)
    return None


def _read_rest(parameters: dict[str, Any], given: Parameters) -> dict[str, dict[str, Any]]:
    """Keep what only TGI knows, except for disabled options."""
    rest = {
        key: value
        for key, value in parameters.items()
        if key not in _KNOWN and value is not None and value is not False
    }
    if rest.get("best_of") == 1:
        del rest["best_of"]
    if given.typical_p is not None:
        rest["typical_p"] = given.typical_p
    if given.grammar is not None and _read_grammar(given.grammar) is None:
        rest["grammar"] = given.grammar
    return {NAME: rest} if rest else {}


def _converted(tree: Any, kind: type[T], prefix: str) -> T:
    try:
        return msgspec.convert(tree, kind)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).removesuffix("`").partition(" - at `$")
        field = f"{prefix}{place}".strip(".")
        where = f"`{field}`" if field else "The body"
        raise InvalidRequest(f"{where} is no request of TGI: {reason}.", param=field or None) from (
            error
        )
