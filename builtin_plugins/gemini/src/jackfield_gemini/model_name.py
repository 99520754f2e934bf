"""The model's name in bodies, where Google repeats what the path says."""

from typing import Final

from jackfield import json_spans

_PLACES: Final = ("model", "requests/*/model", "generateContentRequest/model")


def with_model(body: bytes, old: str, new: str) -> bytes:
    """The body with another model's name wherever it names the old one; else as it is."""
    if b'"model"' not in body:
        return body
    names = {old: new, f"models/{old}": f"models/{new}"}
    found = json_spans.texts(body, _PLACES)
    return json_spans.replace(body, {s.path: names[s.value] for s in found if s.value in names})
