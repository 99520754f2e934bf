"""The model's name in bodies, where Google repeats the one in the path."""

from collections.abc import Iterator
from typing import Any, Final

from jackfield import json_spans
from jackfield.errors import InvalidRequest

from .fields import Fields

_NESTED: Final = ("generateContentRequest", "generate_content_request")
_PLACES: Final = ("model", "requests/*/model", *(f"{key}/model" for key in _NESTED))


def with_model(body: bytes, old: str, new: str) -> bytes:
    """The body with the model renamed wherever it names the old one, with or without provider.

    Otherwise unchanged.
    """
    if b'"model"' not in body and b"\\u" not in body:
        return body
    names = {old: new, old.rpartition("/")[2]: new}
    names |= {f"models/{name}": f"models/{new}" for name in names}
    found = json_spans.texts(body, _PLACES)
    return json_spans.replace(body, {s.path: names[s.value] for s in found if s.value in names})


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
