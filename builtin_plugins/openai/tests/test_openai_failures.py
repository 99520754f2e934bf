"""OpenAI's error object, written and read."""

import json

import pytest

from jackfield.dialects import UpstreamFailure
from jackfield.errors import (
    Forbidden,
    GatewayError,
    InvalidRequest,
    ModelNotFound,
    Overloaded,
    ProviderError,
    RateLimited,
    Unauthenticated,
)
from jackfield_openai.failures import parse_error, render_error, render_error_event


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (InvalidRequest("x"), "invalid_request_error", "invalid_request"),
        (Unauthenticated("x"), "authentication_error", "unauthenticated"),
        (Forbidden("x"), "permission_error", "forbidden"),
        (ModelNotFound("x"), "not_found_error", "model_not_found"),
        (RateLimited("x"), "rate_limit_error", "rate_limited"),
        (Overloaded("x"), "server_error", "overloaded"),
        (ProviderError("x", upstream_status=429), "rate_limit_error", "provider_error"),
        (
            ProviderError(
                "x", upstream_status=429, error_type="insufficient_quota", error_code="q"
            ),
            "insufficient_quota",
            "q",
        ),
    ],
)
def test_an_error_has_openais_type_and_a_code(error: GatewayError, kind: str, code: str) -> None:
    found = json.loads(render_error(error, "req_1"))["error"]
    assert found == {
        "message": "x",
        "type": kind,
        "param": None,
        "code": code,
        "request_id": "req_1",
    }


def test_an_error_event_holds_the_same_object() -> None:
    error = InvalidRequest("two\nlines", param="model")
    event = render_error_event(error, "req_1")
    assert event == b"data: " + render_error(error, "req_1") + b"\n\n"


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (
            b'{"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}',
            UpstreamFailure("m", "t", "c", "p"),
        ),
        (
            b'{"error": {"message": "m", "code": 401}}',
            UpstreamFailure("m", None, "401", status=401),
        ),
        (b'[{"error": {"message": "m"}}]', UpstreamFailure("m")),
        (b'{"error": "m"}', UpstreamFailure("m")),
        (
            b'{"type": "response.failed", "response": {"error": {"code": "c", "message": "m"}}}',
            UpstreamFailure("m", None, "c"),
        ),
        (b'{"object": "error", "message": "m", "type": "t"}', UpstreamFailure("m", "t")),
        (b'{"detail": "m"}', UpstreamFailure("m")),
        (b'{"detail": {"error": "m"}}', UpstreamFailure("m")),  # DeepInfra
        (b'{"errors": [{"message": "m", "code": 7}], "success": false}', UpstreamFailure("m")),
        (b'{"detail": [{"msg": "a"}, {"msg": "b"}]}', UpstreamFailure("a; b")),
        (b'{"message": {"detail": [{"msg": "a"}]}}', UpstreamFailure("a")),
        (
            b'{"error": {"message": "m", "metadata": {"raw": "why"}}}',
            UpstreamFailure("m (why)"),
        ),
        (
            b'{"response": {"error": {"code": "rate_limit_exceeded", "message": "m"}}}',
            UpstreamFailure("m", code="rate_limit_exceeded", status=429),
        ),
        (b'{"code": "server_error", "message": "m"}', UpstreamFailure("m", code="server_error")),
        (b"<html>", UpstreamFailure("The provider answered 502 without a message.")),
        (b"\xff", UpstreamFailure("The provider answered 502 without a message.")),
        (b"[]", UpstreamFailure("The provider answered 502 without a message.")),
        (b'{"error": null}', UpstreamFailure("The provider answered 502 without a message.")),
    ],
)
def test_a_providers_error_is_read_in_all_its_forms(body: bytes, failure: UpstreamFailure) -> None:
    assert parse_error(502, body) == failure
