"""Vertex AI's hosts by location, and its paths by project and model."""

import re
from typing import Final
from urllib.parse import quote

from jackfield import json_spans

OWN_PROJECT: Final = "projects/{project}/locations/{location}/"
GOOGLE: Final = "publishers/google/models/{model*}"
ANTHROPIC: Final = "publishers/anthropic/models/{model*}"
COUNT_TOKENS: Final = "publishers/anthropic/models/count-tokens:rawPredict"

OPEN_MODELS: Final = "endpoints/openapi/chat/completions"

_TUNED: Final = "endpoints/"
_JURISDICTIONS: Final = ("us", "eu")
_NAMED: Final = re.compile(r"projects/[^/]+/locations/[^/]+/(?P<rest>.+)", re.DOTALL)
_NAMES: Final = ("model", "operationName")
"""The members of a body that contain full resource paths."""


def host_of(location: str) -> str:
    """The base URL of a location, as in Google's and Anthropic's own SDKs."""
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _JURISDICTIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def at_project(path: str, project: str | None, location: str | None) -> str:
    """The path with the provider's own project and location in place of the client's.

    Without a project, as with an API key in express mode, the path has none.
    """
    if project is None or location is None:
        return path.replace(OWN_PROJECT, "")
    own = f"projects/{quote(project, safe=':')}/locations/{quote(location, safe='')}/"
    if OWN_PROJECT in path:
        return path.replace(OWN_PROJECT, own)
    version, _, rest = path.removeprefix("/").partition("/")
    return f"/{version}/{own}{rest}" if rest.startswith("publishers/") else path


def is_open(model: str) -> bool:
    """Whether a model is open: such models are named with a publisher and use OpenAI's API."""
    return "/" in model and not model.startswith(_TUNED)


def at_model(path: str, model: str) -> str:
    """The path of a tuned model, which has an endpoint instead of a publisher."""
    return path.replace(GOOGLE, "{model*}") if model.startswith(_TUNED) else path


def named_at_project(body: bytes, project: str, location: str, provider: str) -> bytes:
    """A body that names a model by path, with the provider's project and location."""
    if b'"projects/' not in body:
        return body
    own = f"projects/{project}/locations/{location}/"
    named = {
        span.path: own + found["rest"].replace(f"publishers/{provider}/", "publishers/google/", 1)
        for span in json_spans.texts(body, _NAMES)
        if (found := _NAMED.fullmatch(span.value)) is not None
    }
    return json_spans.replace(body, named)
