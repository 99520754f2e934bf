"""The model's name in bodies, where Google repeats the one in the path or names the only one."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from jackfield import json_spans
from jackfield.errors import InvalidRequest

from .fields import Fields

_NESTED: Final = ("generateContentRequest", "generate_content_request")
_INPUTS: Final = ("inputConfig", "input_config")
_SETUPS: Final = ("bidiGenerateContentSetup", "bidi_generate_content_setup")
_BASES: Final = ("baseModel", "base_model")
_PLACES: Final = (
    *("model", "requests/*/model", *_BASES),
    *(f"{key}/model" for key in (*_NESTED, *_SETUPS)),
    *(f"batch/{key}/requests/requests/*/request/model" for key in _INPUTS),
)


def with_model(body: bytes, old: str, new: str) -> bytes:
    """The body with the model renamed wherever it names the old one, with or without provider.

    Otherwise unchanged.
    """
    if b'odel"' not in body and b"\\u" not in body:
        return body
    names = {old: new, old.rpartition("/")[2]: new}
    names |= {f"models/{name}": f"models/{new}" for name in names}
    found = json_spans.texts(body, _PLACES)
    return json_spans.replace(body, {s.path: names[s.value] for s in found if s.value in names})


def model_within(tree: Mapping[str, Any]) -> str | None:
    """The model of a body whose path names none: its own, a token's, or that of a tuning.

    None if there are several: the caller's rights are checked for one.
    """
    setups = (tree.get(key) for key in _SETUPS)
    tables = (tree, *(setup for setup in setups if isinstance(setup, dict)))
    names = [*(table.get("model") for table in tables), *(tree.get(key) for key in _BASES)]
    found = {name.removeprefix("models/") for name in names if isinstance(name, str)} - {""}
    return found.pop() if len(found) == 1 else None


def check_models(fields: Fields, model: str) -> None:
    """Raise InvalidRequest if a request within another one names another model than the path.

    Google would use it, but the caller's rights are checked for the model in the path.
    """
    names = (model, model.rpartition("/")[2])
    for where, named in _named(fields):
        if isinstance(named, str) and named.removeprefix("models/") not in names:
            raise InvalidRequest(f"'{where}' must be the model in the path.", param=where)


def _named(fields: Fields) -> Iterator[tuple[str, Any]]:
    """The models named within a body, and where."""
    requests = fields.rest.get("requests")
    for at, one in enumerate(requests if isinstance(requests, list) else [requests]):
        if isinstance(one, dict):
            yield f"requests[{at}].model", one.get("model")
    nested = fields.rest.get("generateContentRequest")
    if isinstance(nested, dict):
        yield "generateContentRequest.model", nested.get("model")
    for key in _INPUTS:
        for at, one in enumerate(_inlined(fields.rest.get("batch"), key)):
            if isinstance(one, dict) and isinstance(one.get("request"), dict):
                place = f"batch.{key}.requests.requests[{at}].request.model"
                yield place, one["request"].get("model")


def _inlined(batch: Any, key: str) -> list[Any]:
    """The requests that a batch contains itself, instead of in a file."""
    for step in (key, "requests", "requests"):
        batch = batch.get(step) if isinstance(batch, dict) else None
    return batch if isinstance(batch, list) else []
