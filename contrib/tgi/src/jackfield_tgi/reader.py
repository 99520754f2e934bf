"""Parses TGI requests into the canonical form."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from jackfield import InvalidRequest
from jackfield.messages import ChatRequest, Message, ResponseFormat, Text

from .wire import NAME, Parameters, RequestBody

T = TypeVar("T")

_KNOWN = frozenset(Parameters.__struct_fields__)
_WARPERS = ("temperature", "top_p", "top_k", "typical_p")


def read_body(tree: Any) -> RequestBody:
    """Parse the top level of a request. Raises InvalidRequest that names the field."""
    return _converted(tree, RequestBody, "")


def read_parameters(body: RequestBody) -> Parameters:
    """Parse the parameters. Raises InvalidRequest that names the field."""
    return _converted(body.parameters or {}, Parameters, "parameters")


def read_request(tree: Any, params: Mapping[str, str]) -> ChatRequest:
    """Make a conversation of one message.

    The wanted form of the answer travels with that message, as it is not part of the question.
    """
    body = read_body(tree)
    parameters = read_parameters(body)
    wanted = {
        "details": bool(parameters.details),
        "return_full_text": bool(parameters.return_full_text),
    }
    return ChatRequest(
        model=params.get("model", ""),
        messages=(Message("user", (Text(body.inputs),), extensions={NAME: wanted}),),
        max_tokens=parameters.max_new_tokens,
        temperature=0.0 if _is_greedy(parameters) else parameters.temperature,
        top_p=parameters.top_p,
        top_k=parameters.top_k,
        stop=tuple(parameters.stop or ()),
        seed=parameters.seed,
        frequency_penalty=parameters.frequency_penalty,
        logprobs=True if parameters.top_n_tokens else None,
        top_logprobs=parameters.top_n_tokens or None,
        response_format=_response_format(parameters.grammar),
        stream=bool(body.stream),
        include_usage=bool(parameters.details),
        extensions=_extensions(body.parameters or {}, parameters),
    )


def _is_greedy(parameters: Parameters) -> bool:
    has_warpers = any(getattr(parameters, name) is not None for name in _WARPERS)
    return parameters.do_sample is False and not has_warpers


def _response_format(grammar: dict[str, Any] | None) -> ResponseFormat | None:
    """Parse a JSON schema: bare, or with the name that newer servers accept."""
    match grammar:
        case {"type": "json_schema", "value": {"schema": dict(schema), **rest}}:
            name = rest.get("name")
            return ResponseFormat("json_schema", name if isinstance(name, str) else None, schema)
        case {"type": "json", "value": dict(schema)}:
            return ResponseFormat("json_schema", schema=schema)
    return None


def _extensions(parameters: dict[str, Any], parsed: Parameters) -> dict[str, dict[str, Any]]:
    """Keep what only TGI knows, except for disabled options."""
    rest = {
        key: value
        for key, value in parameters.items()
        if key not in _KNOWN and value is not None and value is not False
    }
    if rest.get("best_of") == 1:
        del rest["best_of"]
    if parsed.typical_p is not None:
        rest["typical_p"] = parsed.typical_p
    if parsed.grammar is not None and _response_format(parsed.grammar) is None:
        rest["grammar"] = parsed.grammar
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
