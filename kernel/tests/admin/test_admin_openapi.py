"""The OpenAPI document: valid, and true."""

from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

from .conftest import Admin


async def test_the_document_is_valid_and_names_every_endpoint(admin: Admin) -> None:
    document = (await admin.ask("GET", "/jackfield/openapi.json")).body
    validate(document)
    assert document["openapi"] == "3.1.0"
    paths = document["paths"]
    assert set(paths["/jackfield/teams"]) == {"get", "post"}
    assert set(paths["/jackfield/teams/{id}"]) == {"get", "patch", "delete"}
    assert set(paths["/jackfield/teams/{id}/grow"]) == {"post"}
    assert {"/health", "/jackfield/plugins", "/jackfield/openapi.json"} <= set(paths)
    parameters = [one["name"] for one in paths["/jackfield/teams"]["get"]["parameters"]]
    assert {"limit", "after", "seats"} <= set(parameters)
    assert "pin" not in parameters
    assert "requestBody" in paths["/jackfield/explain"]["post"]
    (limit,) = [
        one for one in paths["/jackfield/teams"]["get"]["parameters"] if one["name"] == "limit"
    ]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000}


async def test_filters_have_the_types_of_the_fields(admin: Admin) -> None:
    paths = (await admin.ask("GET", "/jackfield/openapi.json")).body["paths"]
    listed = paths["/jackfield/teams"]["get"]["parameters"]
    types = {one["name"]: one["schema"] for one in listed}
    assert types["open"] == {"type": "boolean"}
    assert types["rank"] == {"enum": ["high", "low"]}
    assert types["seats"] == {"type": "integer"}
    assert types["tags"] == types["parent"] == {"type": "string"}


async def test_answers_are_as_the_schemas_say(admin: Admin) -> None:
    await admin.ask("POST", "/jackfield/teams", {"name": "a", "tags": ["x"], "pin": "1"})
    document = (await admin.ask("GET", "/jackfield/openapi.json")).body
    schemas = document["components"]["schemas"]
    shown = (await admin.ask("GET", "/jackfield/teams/a")).body
    OAS31Validator(schemas["Team"]).validate(shown)
    error = (await admin.ask("GET", "/jackfield/teams/b")).body
    OAS31Validator(schemas["Error"]).validate(error)


async def test_the_schemas_know_the_rights_of_fields(admin: Admin) -> None:
    schemas = (await admin.ask("GET", "/jackfield/openapi.json")).body["components"]["schemas"]
    created, updated, shown = (
        schemas[name]["properties"] for name in ("TeamCreate", "TeamUpdate", "Team")
    )
    assert "mark" not in created
    assert created["pin"]["writeOnly"] is True
    assert "name" not in updated
    assert "pin" not in shown
    assert shown["mark"]["readOnly"] is True
    assert schemas["TeamCreate"]["required"] == ["name"]
    assert shown["seats"] == {
        "type": "integer",
        "default": 0,
        "description": "How many people it has room for.",
    }
