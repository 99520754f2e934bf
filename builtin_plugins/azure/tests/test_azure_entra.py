"""How an application gets its token of Entra, and what a refusal says."""

import json
from urllib.parse import parse_qs

import pytest

from jackfield.errors import ProviderError
from jackfield.secrets import Secret, SecretError
from jackfield.tokens import Token
from jackfield_azure.entra import Application, Send

SECRET = "made-up-secret"


def application(post: Send) -> Application:
    return Application("up", "tenant", "client", "https://x/.default", Secret(SECRET), post)


def posting(status: int, body: bytes) -> tuple[Send, list[tuple[str, bytes]]]:
    received: list[tuple[str, bytes]] = []

    async def post(path: str, headers: bytes, form: bytes) -> tuple[int, bytes]:
        received.append((path, form))
        return status, body

    return post, received


async def test_a_token_is_requested_as_entra_documents_it() -> None:
    granted = {"token_type": "Bearer", "access_token": "t1", "expires_in": 3599}
    post, received = posting(200, json.dumps(granted).encode())
    assert await application(post).fetch() == Token("t1", 3599)
    path, form = received[0]
    assert path == "/tenant/oauth2/v2.0/token"
    assert parse_qs(form.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": [SECRET],
        "scope": ["https://x/.default"],
    }


async def test_a_token_of_the_cluster_proves_an_application_and_is_read_anew() -> None:
    tokens = iter(["first", "second"])

    async def read() -> Secret:
        token = next(tokens, None)
        if token is None:
            raise SecretError("the file /var/run/token cannot be read")
        return Secret(token)

    post, received = posting(200, b'{"access_token": "t1", "expires_in": 3599}')
    own = Application("up", "tenant", "client", "https://x/.default", read, post)
    for _ in range(2):
        await own.fetch()
    sent = [parse_qs(form.decode()) for _, form in received]
    assert [form["client_assertion"] for form in sent] == [["first"], ["second"]]
    assert "client_secret" not in sent[0]
    (kind,) = sent[0]["client_assertion_type"]
    assert kind == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    with pytest.raises(ProviderError, match="client_assertion") as caught:
        await own.fetch()
    assert "/var/run" not in caught.value.message


@pytest.mark.parametrize(
    ("status", "body", "remedy"),
    [
        (401, b'{"error":"invalid_client","error_description":"made-up-secret"}', "invalid_client"),
        (400, b"<html>", "answered 400;"),
        (200, b"{}", "answered 200;"),
        (400, b'{"error":"made-up-secret!"}', "answered 400;"),
    ],
)
async def test_a_refusal_names_the_remedy_and_no_secret(
    status: int, body: bytes, remedy: str
) -> None:
    post, _ = posting(status, body)
    with pytest.raises(ProviderError) as caught:
        await application(post).fetch()
    assert remedy in caught.value.message
    assert SECRET not in caught.value.message
    assert SECRET not in repr(application(post))
