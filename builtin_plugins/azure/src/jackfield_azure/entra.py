"""Tokens from Microsoft Entra for an application, with a secret or a cluster's token.

Source: "OAuth 2.0 client credentials flow on the Microsoft identity platform".
"""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

import msgspec
from attrs import frozen

from jackfield.errors import ProviderError
from jackfield.secrets import Secret, SecretError
from jackfield.tokens import Token

Send = Callable[[str, bytes, bytes], Awaitable[tuple[int, bytes]]]
"""Sends a path, headers and a body; returns the answer's status and body."""

_FORM = b"Content-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\n"

Assertion = Callable[[], Awaitable[Secret]]
"""Reads the assertion of an application without a secret: a token that changes every hour."""

_KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_CODE = re.compile(r"[a-z_]{1,40}")


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float


class _Refused(msgspec.Struct):
    error: str = ""


@frozen
class Application:
    """An application in one tenant, as configured for `provider`; `ask` reaches Entra."""

    provider: str
    tenant_id: str
    client_id: str
    scope: str
    proof: Secret | Assertion
    send: Send

    async def fetch(self) -> Token:
        """A new token. Raises ProviderError if Entra gives none."""
        members = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            **await self._proven(),
            "scope": self.scope,
        }
        path = f"/{quote(self.tenant_id, safe='')}/oauth2/v2.0/token"
        status, body = await self.send(path, _FORM, urlencode(members).encode())
        if status != 200:
            raise self._refusal(status, body)
        try:
            granted = msgspec.json.decode(body, type=_Granted)
        except msgspec.MsgspecError:
            raise self._refusal(status, b"") from None
        return Token(granted.access_token, granted.expires_in)

    async def _proven(self) -> dict[str, str]:
        if isinstance(self.proof, Secret):
            return {"client_secret": self.proof.reveal()}
        try:
            token = await self.proof()
        except SecretError as error:
            raise ProviderError(
                "The client assertion for Entra cannot be read; check `client_assertion` in"
                " the provider's `auth`.",
                provider=self.provider,
            ) from error
        return {"client_assertion_type": _KIND, "client_assertion": token.reveal()}

    def _refusal(self, status: int, body: bytes) -> ProviderError:
        try:
            code = msgspec.json.decode(body, type=_Refused).error
        except msgspec.MsgspecError:
            code = ""
        known = f" ({code})" if _CODE.fullmatch(code) else ""
        return ProviderError(
            f"Entra gave no token: it answered {status}{known}; check `tenant_id`, `client_id` and"
            " the secret or assertion in the provider's `auth`.",
            provider=self.provider,
        )
