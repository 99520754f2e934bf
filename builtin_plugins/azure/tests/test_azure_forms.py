"""Where operations are in each form of Azure's API, and which version is requested."""

import pytest

from jackfield_azure.forms import Form, address, form_at, form_of_door, versioned


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/azure/openai/deployments/{model*}/chat/completions", "deployments"),
        ("/azure/openai/files", "deployments"),
        ("/azure/openai/v1/responses", "v1"),
        ("/azure/models/chat/completions", "foundry"),
        ("/v1/chat/completions", None),
    ],
)
def test_a_door_has_a_form(path: str, form: Form | None) -> None:
    assert form_of_door(path) == form


@pytest.mark.parametrize(
    ("operation", "form", "wanted"),
    [
        ("/chat/completions", "v1", "/openai/v1/chat/completions"),
        ("/chat/completions", "deployments", "/openai/deployments/a%2Fb/chat/completions"),
        ("/chat/completions", "foundry", "/models/chat/completions"),
        ("/responses", "deployments", "/openai/responses"),
        ("/audio/{rest*}", "deployments", "/openai/deployments/a%2Fb/audio/{rest*}"),
        ("/files/{rest*}", "v1", "/openai/v1/files/{rest*}"),
    ],
)
def test_an_operation_has_an_address(operation: str, form: Form, wanted: str) -> None:
    assert address(operation, form, "a/b") == wanted


@pytest.mark.parametrize(
    ("operation", "form", "door", "served"),
    [
        ("/chat/completions", "foundry", "v1", "foundry"),
        ("/responses", "foundry", "v1", "v1"),
        ("/chat/completions", "v1", "foundry", "v1"),
        ("/images/embeddings", "v1", "foundry", "foundry"),
        ("/info", "deployments", "foundry", "foundry"),
        ("/files", "deployments", "v1", "deployments"),
    ],
)
def test_what_a_form_has_not_got_is_served_beside_it(
    operation: str, form: Form, door: Form, served: Form
) -> None:
    assert form_at(operation, form, door) == served


@pytest.mark.parametrize(
    ("query", "form", "door", "version", "wanted"),
    [
        ("api-version=1&a=b", "v1", "deployments", None, "a=b"),
        ("api-version=preview", "v1", "v1", None, "api-version=preview"),
        ("api-version=1", "deployments", "deployments", "2", "api-version=1"),
        ("", "deployments", "deployments", "2", "api-version=2"),
        ("api-version=1", "foundry", "deployments", None, "api-version=2024-05-01-preview"),
        ("api-version=1", "deployments", "foundry", "2", "api-version=2"),
        ("", "v1", None, "2", ""),
    ],
)
def test_one_version_is_requested(
    query: str, form: Form, door: Form | None, version: str | None, wanted: str
) -> None:
    assert versioned(query, form, door, version) == wanted
