"""Where Vertex AI serves what: its hosts by location and its paths by project and model."""

from typing import Final
from urllib.parse import quote

OWN_PROJECT: Final = "projects/{project}/locations/{location}/"
GOOGLE: Final = "publishers/google/models/{model*}"
ANTHROPIC: Final = "publishers/anthropic/models/{model*}"
COUNT_TOKENS: Final = "publishers/anthropic/models/count-tokens:rawPredict"

_JURISDICTIONS: Final = ("us", "eu")


def host_of(location: str) -> str:
    """The base URL of a location, as Google's and Anthropic's own SDKs have it."""
    if location == "global":
        return "https://aiplatform.googleapis.com"
    if location in _JURISDICTIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def at_project(path: str, project: str | None, location: str | None) -> str:
    """The path with the provider's own project and location in place of a client's.

    Without a project, as with an API key in express mode, there is none in the path.
    """
    if project is None or location is None:
        return path.replace(OWN_PROJECT, "")
    own = f"projects/{quote(project, safe=':')}/locations/{quote(location, safe='')}/"
    if OWN_PROJECT in path:
        return path.replace(OWN_PROJECT, own)
    version, _, rest = path.removeprefix("/").partition("/")
    return f"/{version}/{own}{rest}" if rest.startswith("publishers/") else path
