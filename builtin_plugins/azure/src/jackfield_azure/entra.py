"""How an application gets tokens of Microsoft Entra, with its secret.

Source: "OAuth 2.0 client credentials flow on the Microsoft identity platform".
"""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

import msgspec
from attrs import frozen

from jackfield.errors import ProviderError
from jackfield.secrets import Secret
from jackfield.tokens import Token

Post = Callable[[str, bytes], Awaitable[tuple[int, bytes]]]
"""Sends a form to a path of Entra; the status and the body of the answer."""

_CODE = re.compile(r"[a-z_]{1,40}")


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float


class _Refused(msgspec.Struct):
    error: str = ""


@frozen
class Application:
    """An application of one tenant, as `provider` knows it; `post` reaches Entra."""

    provider: str
    tenant_id: str
    client_id: str
    scope: str
    secret: Secret
    post: Post

    async def fetch(self) -> Token:
        """A fresh token. Raises ProviderError when Entra gives none."""
        members = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret.reveal(),
            "scope": self.scope,
        }
        path = f"/{quote(self.tenant_id, safe='')}/oauth2/v2.0/token"
        status, body = await self.post(path, urlencode(members).encode())
        if status != 200:
            raise self._refusal(status, body)
        try:
            granted = msgspec.json.decode(body, type=_Granted)
        except msgspec.MsgspecError:
            raise self._refusal(status, b"") from None
        return Token(granted.access_token, granted.expires_in)

    def _refusal(self, status: int, body: bytes) -> ProviderError:
        try:
            code = msgspec.json.decode(body, type=_Refused).error
        except msgspec.MsgspecError:
            code = ""
        known = f" ({code})" if _CODE.fullmatch(code) else ""
        return ProviderError(
            f"Entra gave no token: it answered {status}{known}; check `tenant_id`, `client_id` and"
            " `client_secret` of the provider's `auth`.",
            provider=self.provider,
        )
