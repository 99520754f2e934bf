"""How an application gets its token of Entra, and what a refusal says."""

import json
from urllib.parse import parse_qs

import pytest

from jackfield.errors import ProviderError
from jackfield.secrets import Secret
from jackfield.tokens import Token
from jackfield_azure.entra import Application, Post

SECRET = "made-up-secret"


def application(post: Post) -> Application:
    return Application("up", "tenant", "client", "https://x/.default", Secret(SECRET), post)


def telling(status: int, body: bytes) -> tuple[Post, list[tuple[str, bytes]]]:
    asked: list[tuple[str, bytes]] = []

    async def post(path: str, form: bytes) -> tuple[int, bytes]:
        asked.append((path, form))
        return status, body

    return post, asked


async def test_a_token_is_asked_for_as_entra_wants_it() -> None:
    granted = {"token_type": "Bearer", "access_token": "t1", "expires_in": 3599}
    post, asked = telling(200, json.dumps(granted).encode())
    assert await application(post).fetch() == Token("t1", 3599)
    path, form = asked[0]
    assert path == "/tenant/oauth2/v2.0/token"
    assert parse_qs(form.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": [SECRET],
        "scope": ["https://x/.default"],
    }


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (401, b'{"error":"invalid_client","error_description":"made-up-secret"}', "invalid_client"),
        (400, b"<html>", "answered 400;"),
        (200, b"{}", "answered 200;"),
        (400, b'{"error":"made-up-secret!"}', "answered 400;"),
    ],
)
async def test_a_refusal_says_what_to_mend_and_no_secret(
    status: int, body: bytes, said: str
) -> None:
    post, _ = telling(status, body)
    with pytest.raises(ProviderError) as caught:
        await application(post).fetch()
    assert said in caught.value.message
    assert SECRET not in caught.value.message
    assert SECRET not in repr(application(post))
