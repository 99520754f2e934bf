"""The forms of OpenAI's API on Azure, and the path of an operation in each.

An operation is its path in OpenAI's own API: `/chat/completions`, `/audio/speech`, `/files/…`.
"""

from typing import Final, Literal
from urllib.parse import quote

Form = Literal["v1", "deployments", "foundry"]

FOUNDRY_VERSION: Final = "2024-05-01-preview"
"""The version of Foundry's model inference API that its own clients use."""

_VERSION = "api-version="
_OF_A_DEPLOYMENT = ("/chat/completions", "/completions", "/embeddings", "/audio/", "/images/")
_OF_FOUNDRY = ("/chat/completions", "/embeddings", "/images/embeddings", "/info")
_PREFIXES: Final[tuple[tuple[str, Form], ...]] = (
    ("/azure/models/", "foundry"),
    ("/azure/openai/v1/", "v1"),
    ("/azure/openai/", "deployments"),
)


def form_of_door(path: str) -> Form | None:
    """The form of the gateway's endpoint at `path`; None for one that is not Azure's."""
    return next((form for prefix, form in _PREFIXES if path.startswith(prefix)), None)


def form_at(operation: str, form: Form, door: Form | None) -> Form:
    """The form in which a resource configured for `form` serves an operation.

    Foundry's model inference API is small: what it lacks is served by the v1 API beside it, and
    what only it has is served there for every configured form.
    """
    if form == "foundry":
        return "foundry" if operation in _OF_FOUNDRY or door == "foundry" else "v1"
    return "foundry" if door == "foundry" and not is_of_a_deployment(operation) else form


def is_of_a_deployment(operation: str) -> bool:
    """Whether a deployment has its own path for the operation."""
    return operation.startswith(_OF_A_DEPLOYMENT) and operation != "/images/embeddings"


def address(operation: str, form: Form, deployment: str) -> str:
    """The path of an operation below the resource's endpoint, without its query."""
    if form == "foundry":
        return f"/models{operation}"
    if form == "v1":
        return f"/openai/v1{operation}"
    if is_of_a_deployment(operation):
        return f"/openai/deployments/{quote(deployment, safe='')}{operation}"
    return f"/openai{operation}"


def versioned(query: str, form: Form, door: Form | None, version: str | None) -> str:
    """The query with the `api-version` that applies.

    That is the client's own if it uses the resource's form; the version of another form is invalid
    there.
    """
    members = query.split("&") if query else []
    versions = [member for member in members if member.lower().startswith(_VERSION)]
    others = [member for member in members if member not in versions]
    if versions and door == form:
        others.append(versions[-1])
    elif form == "foundry":
        others.append(_VERSION + (version or FOUNDRY_VERSION))
    elif form == "deployments" and version is not None:
        others.append(_VERSION + version)
    return "&".join(others)
